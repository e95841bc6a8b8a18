"""Several people, and the member himself, at one case at the same moment."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.app import create_app
from api.auth import access_token
from api.extensions import db
from core.config import Settings
from members.contact import attempts, case_work, membership_decisions, own_report_links
from members.contact.case_access import CaseClosed
from members.contact.case_models import CaseAccessRecord, ContactAttempt, MembershipDecision
from members.contact.membership_rules import (
    DecisionFacts,
    DecisionGround,
    DecisionInvalid,
    DecisionKind,
)
from members.contact.models import CaseState, ContactCase, RecordedFact
from members.contact.own_report_links import LinkInvalid
from members.contact.search_rules import AttemptFacts
from members.contact.search_words import ContactedPerson, Outcome, SearchMethod
from members.models import Member
from tests.api_client import KeyedClient
from tests.casework import add_case, attempt_body
from tests.concurrency.arena import THREADS, Act, Arena, Finish
from tests.depth import far
from tests.world import NOW, TODAY

EACH = far(deep=100, quick=24)
REACHED = AttemptFacts(
    SearchMethod.PHONE_CALL,
    ContactedPerson.MEMBER,
    Outcome.REACHED,
    NOW - timedelta(hours=1),
)
UNANSWERED = AttemptFacts(
    SearchMethod.MESSAGE,
    ContactedPerson.NOBODY,
    Outcome.AWAITING_REPLY,
    NOW - timedelta(hours=2),
)


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        yield arena


def open_cases(arena: Arena) -> list[tuple[UUID, UUID]]:
    """A case for each race, of a member of its own: (member, case)."""
    branch = arena.world.organizations["一支部"]
    members = arena.add_members(EACH)

    def act(session: Session) -> list[tuple[UUID, UUID]]:
        return [(one, add_case(session, one, branch)) for one in members]

    found: list[tuple[UUID, UUID]] = arena.alone(act)
    return found


def attempt(arena: Arena, case_id: UUID, facts: AttemptFacts = REACHED) -> Act:
    def act(session: Session) -> UUID:
        actor = arena.actor(session, "书记一")
        return attempts.record(session, actor, case_id, attempt=facts, number_id=None, now=NOW).id

    return act


def close(arena: Arena, name: str, case_id: UUID) -> Act:
    def act(session: Session) -> None:
        actor = arena.actor(session, name)
        state = CaseState.RECONTACTED
        case_work.close(session, actor, case_id, state=state, note=name, now=NOW)

    return act


def send_link(arena: Arena, case_id: UUID) -> str:
    attempt_id = arena.alone(attempt(arena, case_id, UNANSWERED))

    def act(session: Session) -> str:
        actor = arena.actor(session, "书记一")
        return own_report_links.issue(session, actor, case_id, attempt_id, now=NOW).token

    token: str = arena.alone(act)
    return token


def tap(token: str) -> Act:
    return lambda session: own_report_links.confirm(session, token, now=NOW)


def refusals(finishes: list[Finish]) -> list[type]:
    return [type(finish.refusal) for finish in finishes if not finish.won]


def read(arena: Arena, query: sa.Select[tuple[object]]) -> list[object]:
    found: list[object] = arena.alone(lambda session: list(session.scalars(query)))
    return found


def test_of_two_closers_one_wins(arena: Arena) -> None:
    for _, case_id in open_cases(arena):
        finishes = arena.race(close(arena, "书记一", case_id), close(arena, "街道干事", case_id))

        assert refusals(finishes) == [CaseClosed]
        winner = "书记一" if finishes[0].won else "街道干事"
        note = sa.select(ContactCase.closing_note).where(ContactCase.id == case_id)
        assert read(arena, note) == [winner]


def test_tap_and_attempt_leave_no_attempt_after_the_end(arena: Arena) -> None:
    """Either the attempt comes first, or it finds the case ended and leaves no contact behind."""
    outcomes = set()
    for member_id, case_id in open_cases(arena):
        token = send_link(arena, case_id)

        reported, tried = arena.race(tap(token), attempt(arena, case_id))

        assert reported.won
        assert refusals([tried]) in ([], [CaseClosed])
        outcomes.add(tried.won)
        state = sa.select(ContactCase.state).where(ContactCase.id == case_id)
        made = sa.select(ContactAttempt.outcome).where(ContactAttempt.case_id == case_id)
        kinds = sa.select(RecordedFact.kind).where(RecordedFact.member_id == member_id)
        assert read(arena, state) == [CaseState.RECONTACTED]
        expected = {"own_report", "answered_call"} if tried.won else {"own_report"}
        assert set(read(arena, kinds)) == expected
        assert len(read(arena, made)) == 1 + tried.won
    assert outcomes == {True, False}


def test_link_works_once(arena: Arena) -> None:
    for member_id, case_id in open_cases(arena):
        token = send_link(arena, case_id)

        finishes = arena.race(tap(token), tap(token), tap(token))

        assert refusals(finishes) == [LinkInvalid, LinkInvalid]
        facts = sa.select(RecordedFact.kind).where(RecordedFact.member_id == member_id)
        assert read(arena, facts) == ["own_report"]


def test_of_two_decisions_one_is_entered(arena: Arena) -> None:
    facts = DecisionFacts(
        DecisionKind.SUSPENSION,
        DecisionGround.LOST_CONTACT,
        "党员大会",
        TODAY,
        "1号",
        "党委",
        TODAY,
    )

    def enter(name: str, member_id: UUID) -> Act:
        def act(session: Session) -> None:
            actor = arena.actor(session, name)
            membership_decisions.enter(session, actor, member_id, decision=facts, now=NOW)

        return act

    for member_id, _ in open_cases(arena):
        finishes = arena.race(enter("街道干事", member_id), enter("区管理员", member_id))

        assert refusals(finishes) == [DecisionInvalid]
        numbers = sa.select(MembershipDecision.number).where(
            MembershipDecision.member_id == member_id
        )
        status = sa.select(Member.membership_status).where(Member.id == member_id)
        assert read(arena, numbers) == [1]
        assert read(arena, status) == ["suspended"]


def test_who_reports_himself_in_time_is_not_suspended(arena: Arena) -> None:
    """Whichever comes first, nobody is suspended as lost after his own report."""
    facts = DecisionFacts(
        DecisionKind.SUSPENSION,
        DecisionGround.LOST_CONTACT,
        "党员大会",
        TODAY,
        "1号",
        "党委",
        TODAY,
    )
    for member_id, case_id in open_cases(arena):
        token = send_link(arena, case_id)

        def enter(session: Session, member_id: UUID = member_id) -> None:
            actor = arena.actor(session, "街道干事")
            membership_decisions.enter(session, actor, member_id, decision=facts, now=NOW)

        decided, reported = arena.race(enter, tap(token))

        assert reported.won
        if decided.won:
            assert decided.commit_issued < reported.commit_acknowledged
        else:
            assert refusals([decided]) == [DecisionInvalid]
        state = sa.select(ContactCase.state).where(ContactCase.id == case_id)
        assert read(arena, state) == [CaseState.RECONTACTED]


def test_showing_a_case_waits_for_writers_instead_of_failing(
    arena: Arena, fresh_settings: Settings
) -> None:
    """On SQLite a reader that turned into a writer would be refused at once, and answer 503."""
    _, case_id = open_cases(arena)[0]
    app = create_app(fresh_settings)
    app.test_client_class = KeyedClient
    with app.app_context():
        token = access_token(arena.world.members["书记一"], arena.world.sessions["书记一"])
    headers = {"Authorization": f"Bearer {token}"}
    path = f"/api/v1/contact-cases/{case_id}"

    def show(_number: int) -> int:
        return app.test_client().get(path, headers=headers).status_code

    def write(_number: int) -> int:
        return (
            app.test_client()
            .post(f"{path}/attempts", json=attempt_body(), headers=headers)
            .status_code
        )

    with ThreadPoolExecutor(THREADS) as pool:
        shown, written = pool.map(show, range(20)), pool.map(write, range(20))
        assert set(shown) == {200}
        assert set(written) == {201}
    with app.app_context():
        db.engine.dispose()

    records = sa.select(CaseAccessRecord.id).where(CaseAccessRecord.case_id == case_id)
    # The answer to a write shows the case as well.
    assert len(read(arena, records)) == 40
