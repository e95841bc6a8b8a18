"""Dated exemptions from attendance and scoring: the type only, never a diagnosis."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import Conflict, Forbidden, NotFound, RuleViolation
from members.access import (
    ROSTER_ROLES,
    Actor,
    get_managed_member,
    get_organization,
    primary_affiliation_on,
)
from members.affiliations import require_order
from members.models import Affiliation, Exemption, ExemptionKind, Member, Organization

# An exemption never renews itself (domain 5.6); a year later somebody looks at it again.
DAYS_MAX = 366


class ExemptionTooLong(RuleViolation):
    """An exemption is decided for a year at most."""

    code = "exemption.too_long"
    title = "免于考核一次最长一年"


class WrongBody(RuleViolation):
    """The organisation named as deciding has no say over this member."""

    code = "exemption.wrong_body"
    title = "免于考核由所在支部或其上级决定"


class ExemptionEnded(Conflict):
    """The exemption is already over."""

    code = "exemption.ended"
    title = "这项免于考核已经结束"


@dataclass(frozen=True, slots=True)
class ExemptionTerms:
    """What kind, [valid_from, valid_to), and which organisation decided it."""

    kind: ExemptionKind
    valid_from: date
    valid_to: date
    decided_by_organization_id: UUID


def grant(
    session: Session, actor: Actor, member_id: UUID, *, terms: ExemptionTerms, now: datetime
) -> Exemption:
    """Record an exemption that the branch or a body above it decided.

    Raises:
        NotFound, Forbidden: the member or the deciding body is out of the actor's scope, or the
            member is the actor himself.
        WrongBody: the body is neither his branch nor above it.
        DatesReversed, ExemptionTooLong: the days are not possible.
    """
    get_managed_member(session, actor, member_id, roles=ROSTER_ROLES)
    if member_id == actor.member_id:
        # An exempt member is not scored, so somebody else decides it.
        raise Forbidden("不能给自己办理免于考核，请由支部其他负责人或上级办理。")
    body = get_organization(session, actor, terms.decided_by_organization_id, roles=ROSTER_ROLES)
    require_above(session, actor, member_id, body)
    require_order(terms.valid_from, terms.valid_to)
    if (terms.valid_to - terms.valid_from).days > DAYS_MAX:
        raise ExemptionTooLong
    exemption = Exemption(
        member_id=member_id,
        kind=terms.kind,
        valid_from=terms.valid_from,
        valid_to=terms.valid_to,
        decided_by_organization_id=terms.decided_by_organization_id,
        recorded_by=actor.member_id,
    )
    session.add(exemption)
    session.flush()
    return exemption


def end(
    session: Session, actor: Actor, member_id: UUID, exemption_id: UUID, *, now: datetime
) -> None:
    """End an exemption as of today; one that has not begun yet disappears.

    Raises:
        NotFound, Forbidden: the member is out of scope, has no such exemption, or is the actor.
        ExemptionEnded: it is already over.
    """
    get_managed_member(session, actor, member_id, roles=ROSTER_ROLES)
    exemption = session.get(Exemption, exemption_id)
    if exemption is None or exemption.member_id != member_id:
        raise NotFound
    today = business_day(now)
    if exemption.valid_from > today:
        session.delete(exemption)
        session.flush()
        return
    # A day that has begun as exempt stays so; an exemption covers at least its first day.
    last_day_over = max(today, exemption.valid_from + timedelta(days=1))
    ended = session.scalar(
        sa.update(Exemption)
        .where(Exemption.id == exemption_id, Exemption.valid_to > last_day_over)
        .values(valid_to=last_day_over)
        .returning(Exemption.id)
    )
    if ended is None:
        raise ExemptionEnded


def require_above(session: Session, actor: Actor, member_id: UUID, body: Organization) -> None:
    """Raise WrongBody unless the body is the member's branch or stands above it."""
    branch_path = session.scalar(
        sa.select(Organization.path)
        .select_from(Member)
        .join(Affiliation, primary_affiliation_on(actor.on))
        .join(Organization, Organization.id == Affiliation.organization_id)
        .where(Member.id == member_id)
    )
    if branch_path is None or not branch_path.startswith(body.path):
        raise WrongBody
