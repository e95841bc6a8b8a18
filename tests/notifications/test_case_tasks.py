"""Tasks of cases: to whom, what, once a week for each stage."""

from dataclasses import asdict
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.ids import new_id
from members.contact import case_reviews
from members.contact.case_models import MembershipDecision
from members.contact.case_review_models import ReviewFinding
from members.contact.case_reviews import ReviewFacts
from members.contact.models import ContactCase
from members.contact.policy_models import ContactPolicy
from members.contact.rules import DEFAULT
from members.contact.suspended_cases import raise_ripe
from notifications.case_tasks import enqueue_case_tasks
from notifications.models import OutboxMessage
from tests.casework import add_case
from tests.statements import counted_statements
from tests.world import NOW, TODAY, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def told(session: Session, world: World) -> list[tuple[str, str]]:
    names = {member_id: name for name, member_id in world.members.items()}
    rows = session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id))
    return sorted((names[row.member_id], row.params["task"]) for row in rows)


def open_case(world: World, name: str = "党员乙", stage: int = 3) -> ContactCase:
    session = world.session
    case_id = add_case(session, world.members[name], world.organizations["一支部"], stage=stage)
    return session.get_one(ContactCase, case_id)


def test_case_given_to_nobody_goes_to_the_branchs_leaders(session: Session, world: World) -> None:
    open_case(world)

    assert enqueue_case_tasks(session, now=NOW) == 2

    assert {name for name, _ in told(session, world)} == {"书记一", "副书记一"}


def test_leader_is_not_told_of_his_own_case(session: Session, world: World) -> None:
    open_case(world, "书记一")

    enqueue_case_tasks(session, now=NOW)

    assert {name for name, _ in told(session, world)} == {"副书记一"}


def test_case_goes_to_whom_it_was_given_and_from_stage_4_to_the_committee(
    session: Session, world: World
) -> None:
    case = open_case(world)
    case.assigned_to = world.members["组长"]
    session.flush()
    enqueue_case_tasks(session, now=NOW)
    case.stage = 4
    session.flush()
    enqueue_case_tasks(session, now=NOW)

    assert [name for name, _ in told(session, world)] == ["组长", "组长", "街道干事"]
    params = session.scalars(sa.select(OutboxMessage.params)).first()
    # Whole names stay inside the app.
    assert params["name"] == "党**"


@pytest.mark.parametrize(
    ("finding", "asked"),
    [
        (ReviewFinding.READY, "继续查找，并逐次记录"),
        (ReviewFinding.RETURNED, "临近期限，请审阅查找材料，补齐缺项"),
    ],
)
def test_who_has_reviewed_a_file_is_not_asked_again_unless_he_sent_it_back(
    session: Session, world: World, finding: ReviewFinding, asked: str
) -> None:
    case = open_case(world, stage=5)
    facts = ReviewFacts("街道党工委会议", TODAY, finding, note="缺书面通知")
    case_reviews.record(session, world.actor("街道干事"), case.id, facts=facts, now=NOW)

    enqueue_case_tasks(session, now=NOW)

    assert {task for _, task in told(session, world)} == {asked}


def test_task_is_told_once_a_week(session: Session, world: World) -> None:
    open_case(world)
    for day in (0, 1, 5):
        enqueue_case_tasks(session, now=NOW + timedelta(days=day))
    first = len(told(session, world))
    enqueue_case_tasks(session, now=NOW + timedelta(days=7))

    assert (first, len(told(session, world))) == (2, 4)


def test_ended_case_gives_no_task(session: Session, world: World) -> None:
    case = open_case(world)
    case.state, case.closed_at = "closed", NOW
    session.flush()

    assert enqueue_case_tasks(session, now=NOW) == 0


def test_statements_do_not_grow_with_the_cases(session: Session, world: World) -> None:
    for count in (1, 20):
        for _ in range(count):
            name = f"党员{len(world.members)}"
            world.add_member(name, "一支部")
            open_case(world, name, stage=4)
        with counted_statements(session) as seen:
            enqueue_case_tasks(session, now=NOW)
        assert len(seen) == 3


def test_an_attempt_is_an_answer_and_three_weeks_in_vain_are_a_call(
    session: Session, world: World
) -> None:
    open_case(world)

    for week in range(4):
        enqueue_case_tasks(session, now=NOW + timedelta(days=7 * week))

    calls = session.scalars(
        sa.select(OutboxMessage.member_id).where(OutboxMessage.kind == "phone_this_member")
    )
    assert set(calls) == {world.members["街道干事"]}


def suspended_case(session: Session, world: World, on: date) -> None:
    case = open_case(world, stage=7)
    session.add(
        MembershipDecision(
            id=new_id(), member_id=case.member_id, number=1, kind="suspension",
            ground="lost_contact", from_status="normal", to_status="suspended",
            organization_id=case.organization_id, deciding_body="党员大会", decided_on=on,
            document_number="1号", approving_body="党工委", approved_on=on, note="",
            case_id=case.id, entered_by=world.members["街道干事"], entered_at=NOW,
        )
    )  # fmt: skip
    session.flush()


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (NOW, None),
        (datetime.fromisoformat("2027-05-09T09:00:00+08:00"), None),
        (datetime.fromisoformat("2027-05-10T09:00:00+08:00"), "每半年一次"),
        (datetime.fromisoformat("2028-05-10T09:00:00+08:00"), "将满两年"),
        (datetime.fromisoformat("2028-11-09T09:00:00+08:00"), "每半年一次"),
        (datetime.fromisoformat("2028-11-10T09:00:00+08:00"), "已满两年"),
    ],
)
def test_suspended_member_is_searched_for_half_yearly_by_people(
    session: Session, world: World, now: datetime, words: str | None
) -> None:
    suspended_case(session, world, date(2026, 11, 10))
    raise_ripe(session, now=now)

    enqueue_case_tasks(session, now=now)

    found = told(session, world)
    assert bool(found) is (words is not None)
    assert all(words and words in task for _, task in found)
    # Nothing goes to the member himself.
    assert "党员乙" not in {name for name, _ in found}


def test_stage_8_is_reached_once_and_never_by_who_is_back(session: Session, world: World) -> None:
    suspended_case(session, world, date(2024, 11, 10))
    session.expire_all()

    assert [raise_ripe(session, now=NOW) for _ in range(2)] == [1, 0]

    [case] = session.scalars(sa.select(ContactCase))
    session.refresh(case)
    assert (case.stage, case.state) == (8, "open")


def test_district_may_wait_longer_than_two_years(session: Session, world: World) -> None:
    terms = asdict(DEFAULT) | {"removal_months": 30}
    session.add(
        ContactPolicy(
            organization_id=world.organizations["区委"],
            set_by=world.members["区管理员"],
            set_at=NOW,
            **terms,
        )
    )
    suspended_case(session, world, date(2024, 11, 10))

    assert raise_ripe(session, now=NOW) == 0
