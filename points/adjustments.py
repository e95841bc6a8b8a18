"""Points entered by hand: a bonus or an appraisal at once, a deduction after its window."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import FieldProblem, Forbidden, NotFound, RuleViolation
from core.ids import new_id
from core.quantities import format_points
from core.rows import dialect_of, insert_rows, row_source, rows_parameter
from core.working_days import WorkingDay, add_working_days, load_calendar
from members.access import Actor, HeldRole, hold_roles
from members.access_models import Role
from members.models import Affiliation, AffiliationKind, MemberClass, Organization
from notifications import outbox
from points import adjustment_posting, periods, rules, schemes, scores
from points.adjustment_posting import Place
from points.definitions import EntryLevel, Event, Item, Unit
from points.models import Subject
from points.publicity_models import Adjustment, AdjustmentStatus
from points.schemes import SchemeInForce

ENTRIES_MAX = 500
WINDOW_WORKING_DAYS = 5
ENTERED_EVENTS = frozenset({Event.MANUAL, Event.APPRAISAL, Event.VETO})
UPPER_ROLES = frozenset({Role.COMMITTEE_OFFICER, Role.DISTRICT_ADMIN})
_BRANCH_ROLES = UPPER_ROLES | {Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY}
ENTERING_ROLES = _BRANCH_ROLES | {Role.GROUP_LEADER}
# Whoever stands higher may enter it too: a secretary's own bonus has to come from somebody.
_ROLES_OF: Mapping[EntryLevel, frozenset[Role]] = {
    EntryLevel.MEMBER: ENTERING_ROLES,
    EntryLevel.GROUP_LEADER: ENTERING_ROLES,
    EntryLevel.BRANCH: _BRANCH_ROLES,
    EntryLevel.COMMITTEE: UPPER_ROLES,
    EntryLevel.DISTRICT: frozenset({Role.DISTRICT_ADMIN}),
}


class ItemNotEntered(RuleViolation):
    """The scheme in force has no such item, or the item is not one that people enter."""

    code = "adjustment.item_unknown"
    title = "适用的积分方案没有这个手工项目"


class AdjustmentInvalid(RuleViolation):
    """What was given does not fit the item; the problems say where."""

    code = "adjustment.invalid"
    title = "填写的内容与项目不符"


class OwnAdjustment(Forbidden):
    """Nobody enters points for himself."""

    code = "adjustment.own"
    title = "不能为本人记分"


@dataclass(frozen=True, slots=True)
class Terms:
    """What is entered, alike for everybody in the batch.

    Args:
        basis: the rule or document that it rests on, in words.
        document_number: of the paper behind it; a veto must have one.
    """

    item_code: str
    happened_on: date
    title: str
    basis: str
    document_number: str = ""
    subject: str = Subject.PARTY_MEMBERS.value


@dataclass(frozen=True, slots=True)
class Given:
    """What one member gets: occurrences, a grade, a number in hundredths, or raters' numbers."""

    member_id: UUID
    quantity: int = 1
    grade: str = ""
    points: int | None = None
    ratings: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Person:
    place: Place
    narrow_path: str
    words: frozenset[str]

    @property
    def member_class(self) -> str:
        return next((word for word in sorted(self.words) if word in set(MemberClass)), "")


def enter(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    terms: Terms,
    given: Sequence[Given],
    now: datetime,
) -> Sequence[Adjustment]:
    """Enter one item for members of an organisation; all of it stands, or nothing.

    What gives points is posted at once. What takes points, and a veto, is told to the member and
    waits. Constant statements. Lock order: role grants, periods, quota rows by key, ledger.

    Args:
        given: at most ENTRIES_MAX, each member once; he belonged there on that day.

    Raises:
        NotFound: a member is out of the actor's scope for this item.
        OwnAdjustment, ItemNotEntered, AdjustmentInvalid, NoSchemeInForce: why not.
        PeriodClosed, NoOpenPeriod: no period takes it.
    """
    held = hold_roles(session, actor, ENTERING_ROLES)
    periods.hold_posting_period(session, terms.happened_on)
    people = _find_people(session, organization_id, terms, [one.member_id for one in given])
    scheme, item = _find_item(session, people, terms)
    authority = _require_authority(actor, held, item, terms, people)
    _require_fitting(actor, scheme, item, given, people)
    until = _window(session, business_day(now))
    rows = [
        _row(actor, authority, terms, item, one, people[one.member_id])
        | _timed(item, one, until, now)
        for one in given
    ]
    insert_rows(session, Adjustment, rows)
    outbox.enqueue(session, [_message(row) for row in rows], now=now)
    at_once = [row["id"] for row in rows if not row["is_deduction"]]
    adjustment_posting.post(session, actor, at_once, now=now)
    return _by_id(session, [row["id"] for row in rows])


def _find_people(
    session: Session, organization_id: UUID, terms: Terms, member_ids: Sequence[UUID]
) -> dict[UUID, _Person]:
    """Where each belonged that day and what a scheme may exempt him by; two statements."""
    given = row_source(dialect_of(session), {"id": Affiliation.__table__.c.member_id.type})
    group = sa.orm.aliased(Organization)
    rows = session.execute(
        sa.select(Affiliation.member_id, Organization.path, group.path)
        .join(given, given.c.id == Affiliation.member_id)
        .join(Organization, Organization.id == Affiliation.organization_id)
        .outerjoin(group, group.id == Affiliation.party_group_id)
        .where(
            Affiliation.organization_id == organization_id,
            Affiliation.kind == AffiliationKind.PRIMARY,
            Affiliation.valid_from <= terms.happened_on,
            Affiliation.valid_to.is_(None) | (Affiliation.valid_to > terms.happened_on),
        ),
        rows_parameter(session, [{"id": member_id} for member_id in member_ids]),
    ).all()
    words = scores.find_exempting(session, member_ids, on=terms.happened_on)
    people = {
        row[0]: _Person(
            Place(organization_id, row[1]), row[2] or row[1], frozenset(words.get(row[0], ()))
        )
        for row in rows
    }
    if not set(member_ids) <= people.keys():
        raise NotFound
    return people


def _find_item(
    session: Session, people: Mapping[UUID, _Person], terms: Terms
) -> tuple[SchemeInForce, Item]:
    path = next(iter(people.values())).place.path
    published = schemes.load_published(session)
    scheme = schemes.choose(published, path, terms.happened_on, subject=terms.subject)
    if scheme is None:
        raise schemes.NoSchemeInForce
    item = scheme.definition.items.get(terms.item_code)
    if item is None or item.event not in ENTERED_EVENTS:
        raise ItemNotEntered
    return scheme, item


def _require_authority(
    actor: Actor,
    held: frozenset[UUID],
    item: Item,
    terms: Terms,
    people: Mapping[UUID, _Person],
) -> HeldRole:
    """The nearest role by which the actor may enter the item for all of them."""
    roles = _ROLES_OF[item.entered_by]
    if terms.subject == Subject.CADRES:
        roles &= UPPER_ROLES
    if item.event is Event.VETO:
        roles -= {Role.GROUP_LEADER}
    covering = [
        one
        for one in actor.held_roles
        if one.role in roles
        and one.organization_id in held
        and all(person.narrow_path.startswith(one.path) for person in people.values())
    ]
    if not covering:
        raise NotFound
    return max(covering, key=lambda one: len(one.path))


def _require_fitting(
    actor: Actor,
    scheme: SchemeInForce,
    item: Item,
    given: Sequence[Given],
    people: Mapping[UUID, _Person],
) -> None:
    if actor.member_id in people:
        raise OwnAdjustment
    problems = []
    for number, one in enumerate(given):
        person = people[one.member_id]
        for key, message in _faults_of(scheme, item, one, person):
            pointer = f"/entries/{number}/{key}"
            problems.append(FieldProblem(pointer, AdjustmentInvalid.code, message))
    if problems:
        raise AdjustmentInvalid(problems[0].message, problems=tuple(problems))


def _faults_of(
    scheme: SchemeInForce, item: Item, one: Given, person: _Person
) -> Iterator[tuple[str, str]]:
    if not item.is_for(item.event, frozenset(), "", person.member_class):
        yield "member_id", f"项目“{item.name}”不适用于这类党员。"
    if set(one.ratings) != set(item.raters):
        yield "ratings", "评分须由" + ("、".join(item.raters) or "无人") + "分别给出。"
        return
    low, high = sorted((0, item.points))
    if item.unit is Unit.SCORE:
        numbers: list[int | None] = [*one.ratings.values()] or [one.points]
        if any(number is None or not low <= number <= high for number in numbers):
            yield "given_points", f"分值应在 {format_points(low)} 与 {format_points(high)} 之间。"
            return
    if _asked(item, one) is None:
        yield "grade", "方案没有这个等次。"
    elif _is_deduction(item, one) and person.words & scheme.definition.exempt:
        yield "member_id", "组织已批准豁免，不作扣分。"


def _asked(item: Item, one: Given) -> int | None:
    return rules.asked_from(
        item,
        {
            "quantity": one.quantity,
            "grade": one.grade,
            "points": one.points,
            "ratings": one.ratings,
        },
    )


def _is_deduction(item: Item, one: Given) -> bool:
    return item.event is Event.VETO or (_asked(item, one) or 0) < 0


def _row(
    actor: Actor, authority: HeldRole, terms: Terms, item: Item, one: Given, person: _Person
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "subject": terms.subject,
        "member_id": one.member_id,
        "organization_id": person.place.organization_id,
        "entered_at_organization_id": authority.organization_id,
        "event": item.event,
        "item_code": item.code,
        "title": terms.title,
        "happened_on": terms.happened_on,
        "quantity": one.quantity,
        "grade": one.grade,
        "given_points": one.points,
        "ratings": dict(one.ratings) or None,
        "member_class": person.member_class,
        "asked": _asked(item, one),
        "basis": terms.basis,
        "document_number": terms.document_number,
        "status": AdjustmentStatus.PENDING,
        "entered_by": actor.member_id,
        "closing_reason": "",
    }


def _window(session: Session, today: date) -> tuple[date, WorkingDay]:
    until = add_working_days(today, WINDOW_WORKING_DAYS, load_calendar(session))
    return today, until


def _timed(
    item: Item, one: Given, window: tuple[date, WorkingDay], now: datetime
) -> dict[str, Any]:
    is_deduction = _is_deduction(item, one)
    return {
        "entered_at": now,
        "is_deduction": is_deduction,
        "notified_on": window[0] if is_deduction else None,
        "objection_until": window[1].day if is_deduction else None,
    }


def _message(row: Mapping[str, Any]) -> outbox.Message:
    params = {"title": row["title"], "basis": row["basis"]}
    if not row["is_deduction"]:
        return outbox.Message(row["member_id"], "adjustment_entered", str(row["id"]), params)
    kind = "veto_notice" if row["event"] == Event.VETO else "deduction_notice"
    params |= {"until": row["objection_until"].isoformat()}
    if kind == "deduction_notice":
        params |= {"points": format_points(-row["asked"])}
    return outbox.Message(row["member_id"], kind, str(row["id"]), params)


def _by_id(session: Session, ids: Sequence[UUID]) -> Sequence[Adjustment]:
    given = row_source(dialect_of(session), {"id": Adjustment.__table__.c.id.type})
    found = session.scalars(
        sa.select(Adjustment)
        .join(given, given.c.id == Adjustment.id)
        .execution_options(populate_existing=True),
        rows_parameter(session, [{"id": one} for one in ids]),
    )
    by_id = {one.id: one for one in found}
    return [by_id[one] for one in ids]
