"""The dated class of a member: post-holder, ordinary, migrant, aged or frail."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict, Forbidden
from members.access import ROSTER_ROLES, Actor, get_managed_member
from members.affiliations import require_not_future
from members.models import MemberClass, MemberClassification


class ClassificationOverlap(Conflict):
    """The present class began later than the day asked for."""

    code = "member.class_overlap"
    title = "现有类别的开始日期更晚"


def classify(
    session: Session,
    actor: Actor,
    member_id: UUID,
    *,
    member_class: MemberClass,
    on: date,
    now: datetime,
) -> MemberClassification:
    """Put a member into a class from a day on; the same class again changes nothing.

    Raises:
        NotFound, Forbidden: he is out of the actor's scope, or is the actor himself.
        FutureDate: the day lies ahead.
        ClassificationOverlap: the present class began later than that day.
    """
    get_managed_member(session, actor, member_id, roles=ROSTER_ROLES)
    if member_id == actor.member_id:
        # A class decides which rules score a member, so somebody else chooses it.
        raise Forbidden("不能给自己划分类别，请由支部其他负责人或上级办理。")
    require_not_future(on, now)
    current = session.scalar(
        sa.select(MemberClassification).where(
            MemberClassification.member_id == member_id, MemberClassification.valid_to.is_(None)
        )
    )
    if current and current.member_class == member_class:
        return current
    if current and current.valid_from > on:
        raise ClassificationOverlap
    if current:
        current.valid_to = on
        # Closed before the next one is opened: only one may be open.
        session.flush()
    classification = MemberClassification(
        member_id=member_id, member_class=member_class, valid_from=on, recorded_by=actor.member_id
    )
    session.add(classification)
    session.flush()
    return classification
