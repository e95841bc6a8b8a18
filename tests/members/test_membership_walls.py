"""The database itself: a membership changes by a decision in its turn, and by nothing else."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.config import Settings
from core.db import make_engine, make_sessions
from core.ids import new_id
from members.contact import membership_decisions
from members.contact.case_models import (
    CaseAssignment,
    ContactAttempt,
    ContactContest,
    ContactNumber,
    MembershipDecision,
)
from members.models import Member, MemberKind, MembershipStatus
from tests.casework import add_case
from tests.world import NOW, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def decision(world: World, **changes: Any) -> MembershipDecision:
    facts = {
        "id": new_id(),
        "member_id": world.members["党员乙"],
        "number": 1,
        "kind": "suspension",
        "ground": "lost_contact",
        "from_status": "normal",
        "to_status": "suspended",
        "organization_id": world.organizations["一支部"],
        "deciding_body": "党员大会",
        "decided_on": date(2024, 2, 29),
        "document_number": "1号",
        "approving_body": "党工委",
        "approved_on": date(2024, 2, 29),
        "note": "",
        "entered_by": world.members["街道干事"],
        "entered_at": NOW,
    }
    return MembershipDecision(**facts | changes)


def removal(world: World, on: date, **changes: Any) -> MembershipDecision:
    facts = {"kind": "removal", "from_status": "suspended", "to_status": "removed", "number": 2}
    return decision(world, decided_on=on, approved_on=on, **facts | changes)


def refused(session: Session, *rows: Any, match: str) -> None:
    savepoint = session.begin_nested()
    session.add_all(rows)
    with pytest.raises(IntegrityError, match=match):
        session.flush()
    savepoint.rollback()


def set_status(session: Session, member_id: UUID, status: str) -> None:
    session.execute(
        sa.update(Member).where(Member.id == member_id).values(membership_status=status)
    )


def status_of(session: Session, member_id: UUID) -> str | None:
    return session.scalar(sa.select(Member.membership_status).where(Member.id == member_id))


@pytest.mark.parametrize("status", [one for one in MembershipStatus if one != "normal"])
def test_no_update_changes_a_status_without_a_decision(
    session: Session, world: World, status: MembershipStatus
) -> None:
    member_id = world.members["党员乙"]

    with pytest.raises(IntegrityError, match=r"decided"), session.begin_nested():
        set_status(session, member_id, status)

    assert status_of(session, member_id) == "normal"


def test_nobody_comes_onto_the_roster_suspended(session: Session, world: World) -> None:
    member = Member(
        id=new_id(), name="王", kind=MemberKind.FULL_MEMBER, created_at=NOW,
        membership_status="suspended",
    )  # fmt: skip

    refused(session, member, match=r"decided")


def test_status_follows_the_decision_and_not_back_again(session: Session, world: World) -> None:
    member_id = world.members["党员乙"]
    session.add(decision(world))
    session.flush()
    assert status_of(session, member_id) == "suspended"

    for status in ("normal", "restored", "removed"):
        with pytest.raises(IntegrityError), session.begin_nested():
            set_status(session, member_id, status)

    set_status(session, member_id, "suspended")  # to what it is
    assert status_of(session, member_id) == "suspended"


def test_decision_of_another_member_justifies_nothing(session: Session, world: World) -> None:
    session.add(decision(world))
    session.flush()

    with pytest.raises(IntegrityError), session.begin_nested():
        set_status(session, world.members["党员甲"], "suspended")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"from_status": "restored"}, r"follows|turn"),
        ({"number": 2}, r"follows|turn"),
        ({"kind": "removal", "to_status": "removed"}, r"removal|early"),
        ({"kind": "removal", "to_status": "suspended", "ground": "abroad"}, "step"),
        ({"kind": "restoration", "to_status": "restored"}, "step"),
        ({"kind": "expulsion", "to_status": "expelled"}, "discipline"),
        ({"ground": "discipline"}, "discipline"),
        ({"document_number": ""}, "named"),
        ({"deciding_body": ""}, "named"),
        ({"approving_body": ""}, "named"),
        ({"approved_on": date(2024, 2, 28)}, "approved_after"),
    ],
)
def test_unlawful_decision_is_refused_by_the_database(
    session: Session, world: World, changes: dict[str, Any], match: str
) -> None:
    refused(session, decision(world, **changes), match=match)


def test_nobody_decides_about_himself(session: Session, world: World) -> None:
    own = decision(world, entered_by=world.members["党员乙"])

    refused(session, own, match="not_oneself")


@pytest.mark.parametrize(
    ("on", "is_refused"), [(date(2026, 2, 27), True), (date(2026, 2, 28), False)]
)
def test_removal_waits_two_calendar_years(
    session: Session, world: World, on: date, is_refused: bool
) -> None:
    """Suspended on 29 February: the last day of February two years later is the day."""
    session.add(decision(world))
    session.flush()

    if is_refused:
        refused(session, removal(world, on), match=r"removal|early")
    else:
        session.add(removal(world, on))
        session.flush()

    assert status_of(session, world.members["党员乙"]) == ("suspended" if is_refused else "removed")


def test_who_was_removed_is_not_restored(session: Session, world: World) -> None:
    session.add(decision(world))
    session.flush()
    session.add(removal(world, date(2026, 3, 1)))
    session.flush()
    back = decision(
        world, number=3, kind="restoration", ground="own_request", from_status="removed",
        to_status="restored",
    )  # fmt: skip

    refused(session, back, match="step")


def test_recorded_work_is_never_changed(session: Session, world: World) -> None:
    session.add(decision(world))
    session.flush()

    for statement in (
        sa.update(MembershipDecision).values(note="x"),
        sa.delete(MembershipDecision),
    ):
        with (
            pytest.raises(sa.exc.DBAPIError, match=r"append-only|permission"),
            session.begin_nested(),
        ):
            session.execute(statement)


def test_nobody_works_on_his_own_case(session: Session, world: World) -> None:
    member_id = world.members["党员乙"]
    case_id = add_case(session, member_id, world.organizations["一支部"])
    common = {"id": new_id(), "case_id": case_id, "member_id": member_id}
    other = world.members["书记一"]

    attempt = ContactAttempt(
        method="phone_call", contacted="nobody", outcome="no_answer", attempted_at=NOW,
        document_number="", note="", recorded_by=member_id, recorded_at=NOW, **common,
    )  # fmt: skip
    assignment = CaseAssignment(
        assignee_id=member_id, assignee_role="group_leader", assigned_by=other, assigned_at=NOW,
        **common,
    )  # fmt: skip
    contest = ContactContest(
        note="不对", state="upheld", filed_at=NOW, answered_by=member_id, answered_at=NOW,
        answer="对", **common,
    )  # fmt: skip
    number = ContactNumber(
        id=new_id(), member_id=member_id, relation="member", phone_sealed=b"x", phone_index="x",
        phone_masked="x", recorded_by=member_id, recorded_at=NOW,
    )  # fmt: skip
    for row in (attempt, assignment, contest, number):
        refused(session, row, match="not_oneself")


def test_number_of_another_without_consent_is_refused(session: Session, world: World) -> None:
    number = ContactNumber(
        id=new_id(), member_id=world.members["党员乙"], relation="spouse", phone_sealed=b"x",
        phone_index="x", phone_masked="x", recorded_by=world.members["书记一"], recorded_at=NOW,
    )  # fmt: skip

    refused(session, number, match="consent")


def test_status_that_somebody_forced_is_found(
    fresh_settings: Settings, fresh_owner_url: str
) -> None:
    """The owner of the tables may drop a trigger; what he did then stands out."""
    engine = make_engine(fresh_settings)
    with make_sessions(engine, fresh_settings.vault).begin() as session:
        world = build_world(session)
        session.add(decision(world))
    on_postgresql = engine.dialect.name == "postgresql"
    drop = "DROP TRIGGER membership_status_decided" + (" ON member" if on_postgresql else "")
    owner = sa.create_engine(fresh_owner_url)
    with owner.begin() as connection:
        connection.execute(sa.text(drop))
    with make_sessions(engine, fresh_settings.vault).begin() as session:
        assert membership_decisions.find_differences(session) == []
        set_status(session, world.members["党员甲"], "removed")
        [found] = membership_decisions.find_differences(session)

    owner.dispose()
    engine.dispose()
    assert found.endswith("党籍状态为 removed，按决定应为 normal")
