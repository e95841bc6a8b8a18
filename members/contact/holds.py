"""Holds: a member's clocks stand still for a time, by a named body; never renewed by itself."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import Conflict, Forbidden, NotFound, RuleViolation
from members import exemptions
from members.access import ROSTER_ROLES, Actor, get_managed_member, get_organization, hold_roles
from members.access_models import Role
from members.affiliations import require_order
from members.contact.models import ContactHold, HoldKind
from members.models import OrganizationKind

DAYS_MAX = 366
UPPER_ROLES = frozenset({Role.COMMITTEE_OFFICER, Role.DISTRICT_ADMIN})
# Where somebody is in these cases is not the branch's to know: a body above it decides.
UPPER_KINDS = frozenset({HoldKind.SECRET_POST, HoldKind.CUSTODY, HoldKind.MILITARY})
_BRANCHES = frozenset(
    {
        OrganizationKind.BRANCH,
        OrganizationKind.TEMPORARY_BRANCH,
        OrganizationKind.FUNCTIONAL_BRANCH,
        OrganizationKind.PARTY_GROUP,
    }
)


class HoldTooLong(RuleViolation):
    """A hold is decided for a year at most."""

    code = "contact_hold.too_long"
    title = "暂停联系一次最长一年，到期由组织重新研究"


class HoldByUpperBody(RuleViolation):
    """Holds of this kind are decided above the branch."""

    code = "contact_hold.upper_body"
    title = "这类暂停须由支部的上级党组织决定"


class HoldEnded(Conflict):
    """The hold is already over."""

    code = "contact_hold.ended"
    title = "这项暂停已经结束"


@dataclass(frozen=True, slots=True)
class HoldTerms:
    """What kind, [valid_from, valid_to), and which organisation decided it."""

    kind: HoldKind
    valid_from: date
    valid_to: date
    decided_by_organization_id: UUID


def grant(
    session: Session, actor: Actor, member_id: UUID, *, terms: HoldTerms, now: datetime
) -> ContactHold:
    """Record a hold; the next scan takes the member off the ladder until it ends.

    Raises:
        NotFound, Forbidden: the member or the body is out of scope, or it is the actor himself.
        WrongBody: the body is neither his branch nor above it.
        HoldByUpperBody: the kind is decided above the branch, and entered there.
        DatesReversed, HoldTooLong: the days are not possible.
    """
    roles = UPPER_ROLES if terms.kind in UPPER_KINDS else ROSTER_ROLES
    if not actor.has_role(*roles):
        raise HoldByUpperBody
    hold_roles(session, actor, roles)
    get_managed_member(session, actor, member_id, roles=roles)
    if member_id == actor.member_id:
        raise Forbidden("不能给自己办理暂停，请由其他负责人或上级办理。")
    body = get_organization(session, actor, terms.decided_by_organization_id, roles=roles)
    exemptions.require_above(session, actor, member_id, body)
    if terms.kind in UPPER_KINDS and body.kind in _BRANCHES:
        raise HoldByUpperBody
    require_order(terms.valid_from, terms.valid_to)
    if (terms.valid_to - terms.valid_from).days > DAYS_MAX:
        raise HoldTooLong
    hold = ContactHold(
        member_id=member_id,
        kind=terms.kind,
        valid_from=terms.valid_from,
        valid_to=terms.valid_to,
        decided_by_organization_id=body.id,
        recorded_by=actor.member_id,
        recorded_at=now,
    )
    session.add(hold)
    session.flush()
    return hold


def end(session: Session, actor: Actor, member_id: UUID, hold_id: UUID, *, now: datetime) -> None:
    """End a hold as of today; one that has not begun yet disappears.

    Raises:
        NotFound, Forbidden: the member is out of scope, has no such hold, or is the actor.
        HoldEnded: it is already over.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    get_managed_member(session, actor, member_id, roles=ROSTER_ROLES)
    hold = session.get(ContactHold, hold_id)
    if hold is None or hold.member_id != member_id:
        raise NotFound
    if member_id == actor.member_id:
        raise Forbidden("不能给自己办理暂停，请由其他负责人或上级办理。")
    if hold.kind in UPPER_KINDS:
        get_managed_member(session, actor, member_id, roles=UPPER_ROLES)
    today = business_day(now)
    if hold.valid_from > today:
        session.delete(hold)
        session.flush()
        return
    first_free_day = max(today, hold.valid_from + timedelta(days=1))
    ended = session.scalar(
        sa.update(ContactHold)
        .where(ContactHold.id == hold_id, ContactHold.valid_to > first_free_day)
        .values(valid_to=first_free_day)
        .returning(ContactHold.id)
    )
    if ended is None:
        raise HoldEnded


def list_holds(session: Session, actor: Actor, member_id: UUID) -> list[ContactHold]:
    """A member's holds, newest first; those whose kind is decided above, to those above only.

    Raises:
        NotFound, Forbidden: the member is out of scope.
    """
    get_managed_member(session, actor, member_id, roles=ROSTER_ROLES)
    query = sa.select(ContactHold).where(ContactHold.member_id == member_id)
    if not actor.has_role(*UPPER_ROLES):
        query = query.where(ContactHold.kind.not_in(UPPER_KINDS))
    return list(session.scalars(query.order_by(ContactHold.valid_from.desc(), ContactHold.id)))
