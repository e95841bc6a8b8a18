"""Why a member is, or is not, to be contacted: read by himself and by those who look after him."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.rows import dialect_of
from members.access import Actor, get_member, primary_affiliation_on
from members.contact import crossing, hearing, policies, worklist
from members.contact.hearing import LADDERS
from members.contact.models import ContactHold, Outage, Standing
from members.contact.rules import DEFAULT, heard_until
from members.contact.worklist import WORKLIST_ROLES, WorkItem
from members.models import Affiliation, Exemption, ExemptionKind, Member, Organization


class StandingState(enum.StrEnum):
    """What holds for the member's clock today."""

    IN_CONTACT = "in_contact"
    TO_CONTACT = "to_contact"
    HELD = "held"
    EXEMPT = "exempt"
    NOT_RECORDED = "not_recorded"
    NOT_WATCHED = "not_watched"


@dataclass(frozen=True, slots=True)
class StandingShown:
    """The dates, what follows from them, and one sentence that says why."""

    standing: Standing
    state: StandingState
    why: str
    paused_until: date | None
    heard_until: date | None
    outages: Sequence[Outage]
    stages: Sequence[WorkItem]


def get_standing(session: Session, actor: Actor, member_id: UUID) -> StandingShown:
    """A member's standing with why he is, or is not, on the list.

    Raises:
        NotFound: he is absent or out of scope; leaders of his, and he himself, are let in.
    """
    member = get_member(session, actor, member_id, roles=WORKLIST_ROLES)
    standing = session.get_one(Standing, member_id)
    session.refresh(standing)
    branch = session.scalars(
        sa.select(Organization)
        .join(Affiliation, Affiliation.organization_id == Organization.id)
        .join(Member, primary_affiliation_on(actor.on))
        .where(Member.id == member_id)
    ).one_or_none()
    outages, heard_on = _heard(session, actor.on, branch, standing)
    stages = worklist.find_items(session, actor, member_id)
    state, until = _state(session, actor.on, member, bool(stages), heard_on)
    care_days = _care_days(session, branch)
    why = _sentence(state, standing, until, heard_on, care_days, stages)
    return StandingShown(standing, state, why, until, heard_on, outages, stages)


def _heard(
    session: Session, on: date, branch: Organization | None, standing: Standing
) -> tuple[Sequence[Outage], date | None]:
    if branch is None:
        return [], None
    heard = hearing.hearings(dialect_of(session), LADDERS[0])
    row = session.execute(
        sa.select(heard.c.recorded_on, heard.c.records_life).where(
            heard.c.organization_id == branch.id
        ),
        {"on": on},
    ).one_or_none()
    outages = session.scalars(
        sa.select(Outage)
        .where(Outage.organization_id == branch.id, Outage.ends_on > standing.reached_on)
        .order_by(Outage.begins_on)
    ).all()
    if row is None:
        return outages, None
    return outages, heard_until(row.recorded_on, on, records_life=bool(row.records_life))


def _state(
    session: Session, on: date, member: Member, is_staged: bool, heard_on: date | None
) -> tuple[StandingState, date | None]:
    if member.membership_status not in crossing.WATCHED:
        return StandingState.NOT_WATCHED, None
    for model, state in ((ContactHold, StandingState.HELD), (Exemption, StandingState.EXEMPT)):
        stays = [Exemption.kind != ExemptionKind.ABROAD] if model is Exemption else []
        until = session.scalar(
            sa.select(sa.func.max(model.valid_to)).where(
                model.member_id == member.id, model.valid_from <= on, model.valid_to > on, *stays
            )
        )
        if until is not None:
            return state, until
    if is_staged:
        return StandingState.TO_CONTACT, None
    return (StandingState.IN_CONTACT if heard_on else StandingState.NOT_RECORDED), None


def _care_days(session: Session, branch: Organization | None) -> int:
    if branch is None:
        return DEFAULT.care_days
    root = branch.path[: hearing.ROOT_LENGTH]
    return policies.find_all(session).get(root, DEFAULT).care_days


def _sentence(
    state: StandingState,
    standing: Standing,
    until: date | None,
    heard_on: date | None,
    care_days: int,
    stages: Sequence[WorkItem],
) -> str:
    if state == StandingState.TO_CONTACT:
        return "".join(item.why for item in stages)
    if state == StandingState.HELD:
        return f"已办理暂停，到 {until} 止，期间不计；到期不会自动续办。"
    if state == StandingState.EXEMPT:
        return f"已批准免于要求，到 {until} 止，期间不计；到期不会自动续办。"
    if state == StandingState.NOT_WATCHED:
        return "不在联系提醒的范围内。"
    if heard_on is None:
        return "支部还没有任何组织生活或党费记录，不计算时间。"
    days = max((heard_on - standing.reached_on).days, 0)
    return (
        f"最近一次联系：{standing.reached_on}；到支部最近有记录的 {heard_on}"
        f" 为 {days} 天，不满 {care_days} 天，或其间有不计的天数。"
    )
