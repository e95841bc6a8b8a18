"""Reading cases: the list of a subtree and one case whole; each showing leaves a record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.clock import business_day
from core.errors import NotFound
from core.paging import InvalidCursor, Page, cut, id_key
from members.access import Actor
from members.contact import case_reviews, suspended_cases
from members.contact.case_access import CASE_ROLES, Showing, get_case, is_visible, note_access
from members.contact.case_models import (
    AccessKind,
    ContactAttempt,
    ContactContest,
    OwnReportLink,
)
from members.contact.case_reviews import ReviewLine
from members.contact.case_rules import (
    CaseTask,
    Examination,
    LossBand,
    band_of,
    examination,
    is_committee_task,
    task_of,
)
from members.contact.contact_numbers import NumberLine, list_numbers
from members.contact.membership_decisions import DecisionLine, find_decisions
from members.contact.membership_rules import DecisionKind
from members.contact.models import CaseState, Clock, ContactCase
from members.contact.search_rules import (
    Check,
    SearchPolicy,
    checklist,
    gaps,
)
from members.contact.search_words import SearchMethod
from members.models import Member, Organization

SEARCH_POLICY = SearchPolicy()
Assignee, Recorder = aliased(Member), aliased(Member)
# By branch, then by name; a list of people is never sorted by a measure (decision 1).
SORT_KEY: tuple[Any, ...] = (Organization.name, Member.name, ContactCase.id)


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases a list shows: of which organisation and those below it, in which state."""

    organization_id: UUID
    state: CaseState = CaseState.OPEN
    stage_min: int = 3


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case in a list; the member's phone stays masked."""

    case: ContactCase
    member: Member
    organization_name: str
    assignee_name: str | None
    attempts: int
    not_before: datetime | None

    @property
    def task(self) -> CaseTask:
        """What is to be done at this stage."""
        return task_of(self.case.stage)

    @property
    def is_committee_task(self) -> bool:
        """Whether the committee has to act."""
        return is_committee_task(self.task)


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """An attempt, who wrote it down, and when the member answered the link sent with it."""

    attempt: ContactAttempt
    recorded_by_name: str
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class CaseFile:
    """Everything that is known in a case."""

    line: CaseLine
    attempts: Sequence[AttemptLine]
    reviews: Sequence[ReviewLine]
    checks: Sequence[Check]
    gaps: Sequence[str]
    numbers: Sequence[NumberLine]
    contests: Sequence[ContactContest]
    decisions: Sequence[DecisionLine]
    band: LossBand
    examination: Examination


def list_cases(
    session: Session,
    actor: Actor,
    *,
    wanted: CaseFilter,
    after: list[str | int] | None,
    limit: int,
    now: datetime,
) -> Page[CaseLine]:
    """Cases of the organisation and those below it that the actor works on.

    Raises:
        NotFound: the actor works on no case there and holds no role there.
        InvalidCursor: the cursor names no case of this list.
    """
    path = _path_of_scope(session, actor, wanted.organization_id)
    is_wanted = (
        Organization.path.startswith(path)
        & (ContactCase.state == wanted.state)
        & (ContactCase.stage >= wanted.stage_min)
        & is_visible(actor)
    )
    query = _lines().where(is_wanted).order_by(*SORT_KEY).limit(limit + 1)
    last_id = id_key(after)
    if last_id is not None:
        query = query.where(_comes_after(session, is_wanted, last_id))
    lines = [CaseLine(*row) for row in session.execute(query)]
    page = cut(lines, limit, lambda line: [str(line.case.id)])
    shown = [line.case for line in page.items]
    note_access(session, actor, shown, showing=Showing(AccessKind.LIST), now=now)
    return page


def open_case(
    session: Session, actor: Actor, case_id: UUID, *, showing: Showing, now: datetime
) -> CaseFile:
    """One case whole, on record; a constant number of statements.

    Raises:
        NotFound: it is absent, out of scope, or about the actor himself.
    """
    case = get_case(session, actor, case_id)
    note_access(session, actor, [case], showing=showing, now=now)
    line = CaseLine(*session.execute(_lines().where(ContactCase.id == case_id)).one())
    attempts = _attempts_of(session, case_id)
    decisions = find_decisions(session, line.member.id)
    tried = [
        (SearchMethod(one.attempt.method), business_day(one.attempt.attempted_at))
        for one in attempts
    ]
    reviews = case_reviews.find_reviews(session, case_id)
    checks = checklist(tried, SEARCH_POLICY)
    checks += case_reviews.review_checks(line.case.stage, reviews)
    today = business_day(now)
    return CaseFile(
        line=line,
        attempts=attempts,
        reviews=reviews,
        checks=checks,
        gaps=gaps(checks),
        numbers=list_numbers(session, line.member),
        contests=_contests_of(session, case_id),
        decisions=decisions,
        band=band_of(line.case.anchor_on, today),
        examination=examination(
            Clock(line.case.clock),
            line.case.stage,
            removal_on=_removal_on(session, line.case, decisions),
            on=today,
        ),
    )


def _lines() -> sa.Select[Any]:
    attempts = (
        sa.select(sa.func.count())
        .where(ContactAttempt.case_id == ContactCase.id)
        .correlate(ContactCase)
        .scalar_subquery()
    )
    not_before = (
        sa.select(ContactAttempt.not_before)
        .where(ContactAttempt.case_id == ContactCase.id)
        .order_by(ContactAttempt.attempted_at.desc(), ContactAttempt.id.desc())
        .limit(1)
        .correlate(ContactCase)
        .scalar_subquery()
    )
    columns = (ContactCase, Member, Organization.name, Assignee.name, attempts, not_before)
    return _joined(*columns).outerjoin(Assignee, Assignee.id == ContactCase.assigned_to)


def _joined(*columns: Any) -> sa.Select[Any]:
    return (
        sa.select(*columns)
        .select_from(ContactCase)
        .join(Organization, Organization.id == ContactCase.organization_id)
        .join(Member, Member.id == ContactCase.member_id)
        .execution_options(populate_existing=True)
    )


def _path_of_scope(session: Session, actor: Actor, organization_id: UUID) -> str:
    """The path of an organisation at, above or below one for which the actor works on cases."""
    path = session.scalar(sa.select(Organization.path).where(Organization.id == organization_id))
    held = actor.paths(CASE_ROLES)
    if path is None or not any(path.startswith(own) or own.startswith(path) for own in held):
        raise NotFound
    return path


def _comes_after(
    session: Session, is_wanted: sa.ColumnElement[bool], last_id: UUID
) -> sa.ColumnElement[bool]:
    last = session.execute(
        _joined(*SORT_KEY).where(is_wanted, ContactCase.id == last_id)
    ).one_or_none()
    if last is None:
        raise InvalidCursor
    values = [sa.literal(part, column.type) for part, column in zip(last, SORT_KEY, strict=True)]
    return sa.tuple_(*SORT_KEY) > sa.tuple_(*values)


def _attempts_of(session: Session, case_id: UUID) -> list[AttemptLine]:
    answered_at = (
        sa.select(sa.func.max(OwnReportLink.answered_at, type_=OwnReportLink.answered_at.type))
        .where(OwnReportLink.attempt_id == ContactAttempt.id)
        .correlate(ContactAttempt)
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(ContactAttempt, Recorder.name, answered_at)
        .join(Recorder, Recorder.id == ContactAttempt.recorded_by)
        .where(ContactAttempt.case_id == case_id)
        .order_by(ContactAttempt.attempted_at, ContactAttempt.id)
    )
    return [AttemptLine(*row) for row in rows]


def _contests_of(session: Session, case_id: UUID) -> Sequence[ContactContest]:
    return session.scalars(
        sa.select(ContactContest)
        .where(ContactContest.case_id == case_id)
        .order_by(ContactContest.id)
    ).all()


def _removal_on(
    session: Session, case: ContactCase, decisions: Sequence[DecisionLine]
) -> date | None:
    newest = decisions[-1].decision if decisions else None
    if newest is None or newest.kind != DecisionKind.SUSPENSION:
        return None
    path = session.get_one(Organization, case.organization_id).path
    return suspended_cases.removal_on(session, path, newest.approved_on)
