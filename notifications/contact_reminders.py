"""What a stage of contact sends: a word to the member, tasks to people, an alert on an outage.

Messages to leaders hold no names: who it is about, they read in the worklist.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.clock import business_day
from core.rows import dialect_of, row_source, rows_parameter
from members.access import primary_affiliation_on
from members.access_models import Role, RoleGrant, in_force
from members.contact import abroad_reviews, silent_places
from members.contact.abroad_reviews import ReviewDue
from members.contact.crossing import WATCHED
from members.contact.models import Clock, StageEntry
from members.contact.scan import Crossing, ScanResult, scan
from members.models import Affiliation, Member, Organization
from notifications import outbox
from notifications.outbox import Message
from notifications.stop_conditions import Carried

# Clock and the first stage from which each kind goes to each role.
LADDER: Sequence[tuple[Clock, int, Role, str]] = (
    (Clock.LOST_CONTACT, 1, Role.GROUP_LEADER, "contact_call"),
    (Clock.LOST_CONTACT, 2, Role.BRANCH_SECRETARY, "contact_talk"),
    (Clock.LOST_CONTACT, 3, Role.COMMITTEE_OFFICER, "contact_case"),
    (Clock.SELF_WITHDRAWAL, 3, Role.BRANCH_SECRETARY, "contact_talk"),
    (Clock.SELF_WITHDRAWAL, 6, Role.COMMITTEE_OFFICER, "contact_case"),
    (Clock.ABROAD, 5, Role.BRANCH_SECRETARY, "contact_talk"),
    (Clock.ABROAD, 6, Role.COMMITTEE_OFFICER, "contact_case"),
    (Clock.ABROAD_REVIEW, 5, Role.COMMITTEE_OFFICER, "abroad_review"),
)
# A member hears once for each anchor; later steps are people's.
CARE_KIND, OUTAGE_KIND = "contact_care", "contact_outage"

_log = logging.getLogger(__name__)
_ON = sa.bindparam("on", type_=sa.Date)


@dataclass(frozen=True, slots=True)
class _Post:
    """Somebody who looks after a member, and how near he stands to him."""

    member_id: UUID
    role: Role
    holder_id: UUID
    depth: int


def scan_and_tell(session: Session, *, now: datetime) -> int:
    """Bring the stages up to a day, and tell whom they concern; how many stages were reached."""
    result = scan(session, now=now)
    reviews = [_as_crossing(one) for one in abroad_reviews.refresh(session, now=now)]
    result = replace(result, crossings=[*result.crossings, *reviews])
    remind(session, result, now=now)
    alert_outages(session, now=now)
    return len(result.crossings)


def remind(session: Session, result: ScanResult, *, now: datetime) -> int:
    """Enqueue what the stages that were just reached send; how many it is, old ones included.

    Messages exist once for the member's anchor, or for the leader and the day of the scan.
    """
    messages = [
        *_to_members(result.crossings),
        *_to_leaders(session, result.crossings, business_day(now)),
    ]
    outbox.enqueue(session, messages, now=now)
    return len(messages)


def alert_outages(session: Session, *, now: datetime) -> int:
    """Tell the body above, once, that a branch or a whole district has stopped recording."""
    silent = silent_places.find_silent(session, on=business_day(now))
    if not silent:
        return 0
    above = session.execute(
        _watching(dialect_of(session)),
        rows_parameter(session, [{"id": one.organization_id, "path": one.path} for one in silent])
        | {"on": business_day(now)},
    ).all()
    places = {one.organization_id: one for one in silent}
    messages = []
    for holder_id, organization_id in above:
        place = places[organization_id]
        params = {"place": place.name, "since": place.recorded_on.isoformat()}
        occasion = f"{organization_id}:{place.recorded_on}"
        messages.append(Message(holder_id, OUTAGE_KIND, occasion, params))
    for one in silent:
        _log.warning("no contact records of %s since %s", one.organization_id, one.recorded_on)
    outbox.enqueue(session, messages, now=now)
    return len(messages)


def _as_crossing(review: ReviewDue) -> Crossing:
    return Crossing(review.member_id, Clock.ABROAD_REVIEW, None, review.stage, review.left_on)


def _to_members(crossings: Sequence[Crossing]) -> Iterator[Message]:
    for one in crossings:
        if one.clock == Clock.LOST_CONTACT:
            since = one.anchor_on.isoformat()
            yield Message(one.member_id, CARE_KIND, f"{since}:1", {"since": since})


def _to_leaders(session: Session, crossings: Sequence[Crossing], on: date) -> Iterator[Message]:
    if not crossings:
        return
    members = [{"member_id": one} for one in {one.member_id for one in crossings}]
    given = rows_parameter(session, members) | {"on": on}
    posts = [_Post(*row) for row in session.execute(_posts(dialect_of(session)), given)]
    nearest = _nearest(posts)
    counts: Counter[tuple[UUID, str]] = Counter()
    for one in crossings:
        told = {
            (holder_id, kind)
            for clock, first, role, kind in LADDER
            if clock == one.clock and one.stage >= first
            for holder_id in nearest.get((one.member_id, role), ())
        }
        counts.update(told)
    for (holder_id, kind), count in sorted(counts.items()):
        yield Message(holder_id, kind, on.isoformat(), {"count": str(count)})


def _nearest(posts: Iterable[_Post]) -> Mapping[tuple[UUID, Role], Sequence[UUID]]:
    """Who answers for each member in each role: the nearest body that has somebody."""
    found: dict[tuple[UUID, Role], list[UUID]] = {}
    depths: dict[tuple[UUID, Role], int] = {}
    for post in sorted(posts, key=lambda one: -one.depth):
        key = post.member_id, Role(post.role)
        if depths.setdefault(key, post.depth) == post.depth and post.holder_id != post.member_id:
            found.setdefault(key, []).append(post.holder_id)
    return found


@cache
def _posts(dialect: str) -> sa.Select[*tuple[Any, ...]]:
    place, above = aliased(Organization), aliased(Organization)
    given = row_source(dialect, {"member_id": sa.Uuid()})
    roles = {role for _, _, role, _ in LADDER}
    return (
        sa.select(Member.id, RoleGrant.role, RoleGrant.member_id, above.depth)
        .join(given, given.c.member_id == Member.id)
        .join(Affiliation, primary_affiliation_on(_ON))
        .join(
            place,
            place.id == sa.func.coalesce(Affiliation.party_group_id, Affiliation.organization_id),
        )
        .join(above, place.path.startswith(above.path))
        .join(RoleGrant, RoleGrant.organization_id == above.id)
        .where(RoleGrant.role.in_(roles), in_force(_ON))
        .order_by(RoleGrant.member_id)
    )


@cache
def _watching(dialect: str) -> sa.Select[Any]:
    """Who is told of a silent place: the officers above a branch, a district's administrators."""
    above = aliased(Organization)
    given = row_source(dialect, {"id": sa.Uuid(), "path": sa.Text()})
    is_officer = (RoleGrant.role == Role.COMMITTEE_OFFICER) & (above.path != given.c.path)
    is_admin = (RoleGrant.role == Role.DISTRICT_ADMIN) & (above.path == given.c.path)
    return (
        sa.select(RoleGrant.member_id, given.c.id)
        .select_from(given)
        .join(above, given.c.path.startswith(above.path))
        .join(RoleGrant, RoleGrant.organization_id == above.id)
        .where(is_officer | is_admin, in_force(_ON))
        .distinct()
        .order_by(RoleGrant.member_id, given.c.id)
    )


def is_unheard(session: Session, carried: Sequence[Carried]) -> set[UUID]:
    """Stop condition: who is still waited for; a contact, a hold or a suspension ends it."""
    waiting = set(
        session.scalars(
            sa.select(StageEntry.member_id)
            .join(Member, Member.id == StageEntry.member_id)
            .where(
                StageEntry.member_id.in_({one.member_id for one in carried}),
                StageEntry.clock == Clock.LOST_CONTACT,
                Member.membership_status.in_(WATCHED),
            )
        )
    )
    return {one.id for one in carried if one.member_id in waiting}
