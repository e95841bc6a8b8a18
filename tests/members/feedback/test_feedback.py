"""Who answers feedback, until when, and what becomes of it."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.audit_models import AuditEvent
from core.errors import DomainError, NotFound, VersionConflict
from members.access_models import Role
from members.feedback import reading
from members.feedback.answering import FeedbackAnswered, Forwarding, OwnFeedback
from members.feedback.filing import UnsettledNotPossible
from members.feedback.models import Feedback, FeedbackKind, FeedbackStep, FeedbackTopic
from members.feedback.reading import FeedbackState
from members.feedback.rules import Draft, FeedbackInvalid
from notifications import feedback_overdue, feedback_steps
from notifications.models import OutboxMessage
from tests.statements import counted_statements
from tests.world import NOW, World, build_world

# The fifteenth working day after TODAY.
DUE_ON = date(2026, 12, 1)
LATER = NOW + timedelta(days=30)


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def send(world: World, name: str = "党员甲", **more: Any) -> Feedback:
    given: dict[str, Any] = {
        "kind": FeedbackKind.COMPLAINT, "topic": FeedbackTopic.FORMALISM, "text": "要求交照片",
    }  # fmt: skip
    draft = Draft(**given | more)
    return feedback_steps.send(world.session, world.actor(name), draft=draft, now=NOW)


def answer(world: World, name: str, feedback: Feedback, version: int = 1) -> Feedback:
    return feedback_steps.answer(
        world.session, world.actor(name), feedback.id, reply="已改正", version=version, now=NOW
    )


def forward(world: World, name: str, feedback: Feedback, to: str, version: int = 1) -> Feedback:
    forwarding = Forwarding(world.organizations[to], "由上级答复更合适")
    return feedback_steps.forward(
        world.session,
        world.actor(name),
        feedback.id,
        forwarding=forwarding,
        version=version,
        now=NOW,
    )


def unsettled(world: World, name: str, feedback: Feedback) -> Feedback:
    return feedback_steps.call_unsettled(
        world.session, world.actor(name), feedback.id, reason="仍在要求", now=NOW
    )


def told(world: World, kind: str) -> set[str]:
    rows = world.session.scalars(
        sa.select(OutboxMessage.member_id).where(OutboxMessage.kind == kind)
    )
    names = {member_id: name for name, member_id in world.members.items()}
    return {names[one] for one in rows}


def write_by_hand(world: World, constraint: str, **values: Any) -> None:
    """The database itself refuses it."""
    with pytest.raises(DBAPIError, match=constraint), world.session.begin_nested():
        world.session.execute(sa.update(Feedback).values(**values))


def test_complaint_about_the_branch_goes_to_the_committee_within_fifteen_working_days(
    world: World,
) -> None:
    sent = send(world)

    assert sent.handling_organization_id == world.organizations["街道"]
    assert sent.due_on == DUE_ON
    assert told(world, "feedback_received") == {"街道干事"}


@pytest.mark.parametrize(
    ("about", "to", "handling"),
    [
        ("一支部", None, "街道"),
        ("一支部", "区委", "区委"),
        ("街道", None, "区委"),
        # Above the highest there is nobody.
        ("区委", None, "区委"),
    ],
)
def test_nobody_answers_for_the_organisation_complained_about(
    world: World, about: str, to: str | None, handling: str
) -> None:
    wanted = world.organizations[to] if to else None
    sent = send(world, about_organization_id=world.organizations[about], to_organization_id=wanted)

    assert sent.handling_organization_id == world.organizations[handling]
    with pytest.raises(FeedbackInvalid):
        send(
            world,
            about_organization_id=world.organizations["街道"],
            to_organization_id=world.organizations["一支部"],
        )


def test_officer_who_leads_the_branch_complained_about_does_not_answer(world: World) -> None:
    world.grant("街道干事", Role.BRANCH_SECRETARY, "一支部")

    sent = send(world)

    assert sent.handling_organization_id == world.organizations["区委"]


def test_whoever_is_complained_about_by_name_neither_reads_nor_answers(world: World) -> None:
    world.add_member("街道干事二", "二支部")
    world.grant("街道干事二", Role.COMMITTEE_OFFICER, "街道")
    sent = send(
        world,
        kind=FeedbackKind.SUGGESTION,
        topic=FeedbackTopic.CONDUCT,
        about_organization_id=world.organizations["街道"],
        about_member_id=world.members["街道干事"],
        to_organization_id=world.organizations["街道"],
    )

    assert told(world, "feedback_received") == {"街道干事二"}
    with pytest.raises(NotFound):
        reading.get(world.session, world.actor("街道干事"), sent.id)
    with pytest.raises(NotFound):
        answer(world, "街道干事", sent)
    by = {"answered_by": sent.about_member_id, "answered_at": NOW}
    write_by_hand(world, "answered_by_another", status="answered", **by)
    assert answer(world, "街道干事二", sent).answered_by == world.members["街道干事二"]


def test_nobody_answers_his_own(world: World) -> None:
    sent = send(
        world,
        "书记一",
        kind=FeedbackKind.SUGGESTION,
        topic=FeedbackTopic.OTHER,
        to_organization_id=world.organizations["一支部"],
    )

    with pytest.raises(OwnFeedback):
        answer(world, "书记一", sent)
    with pytest.raises(OwnFeedback):
        forward(world, "书记一", sent, "街道")
    write_by_hand(world, "taken_by_another", status="taken", taken_by=sent.member_id)
    assert answer(world, "副书记一", sent).status == "answered"


@pytest.mark.parametrize("name", ["书记一", "书记二", "区管理员", "审计员", "党员乙"])
def test_others_do_not_answer(world: World, name: str) -> None:
    sent = send(world)

    with pytest.raises(DomainError) as refusal:
        answer(world, name, sent)
    assert refusal.value.code in ("not_found", "perm.denied")


def test_forwarding_keeps_the_deadline_and_tells_both(world: World) -> None:
    sent = send(world)

    moved = forward(world, "街道干事", sent, "区委")

    assert (moved.handling_organization_id, moved.due_on) == (
        world.organizations["区委"],
        DUE_ON,
    )
    assert told(world, "feedback_forwarded") == {"党员甲"}
    assert told(world, "feedback_received") == {"街道干事", "区管理员"}
    with pytest.raises(NotFound):
        answer(world, "街道干事", sent, version=2)
    for to, refusal in (("一支部", FeedbackInvalid), ("镇", NotFound), ("区委", FeedbackInvalid)):
        with pytest.raises(refusal):
            forward(world, "区管理员", moved, to, version=2)


def test_answer_to_an_older_version_is_refused(world: World) -> None:
    sent = send(world)
    feedback_steps.take(world.session, world.actor("街道干事"), sent.id, version=1, now=NOW)

    with pytest.raises(VersionConflict):
        answer(world, "街道干事", sent, version=1)
    answer(world, "街道干事", sent, version=2)
    with pytest.raises(FeedbackAnswered):
        answer(world, "街道干事", sent, version=3)


def test_member_may_say_once_that_it_is_not_settled(world: World) -> None:
    sent = send(world)
    with pytest.raises(UnsettledNotPossible):
        unsettled(world, "党员甲", sent)
    answer(world, "街道干事", sent)
    with pytest.raises(NotFound):
        unsettled(world, "党员乙", sent)

    again = unsettled(world, "党员甲", sent)

    assert (again.status, again.handling_organization_id) == ("open", world.organizations["区委"])
    assert again.first_answered_by == world.members["街道干事"]
    answer(world, "区管理员", again, version=3)
    with pytest.raises(UnsettledNotPossible):
        unsettled(world, "党员甲", again)
    steps = reading.list_steps(world.session, sent.id)
    assert [(one.step.kind, one.actor_name, one.organization_name) for one in steps] == [
        ("filed", None, "街道"),
        ("answered", "街道干事", "街道"),
        ("unsettled", None, "区委"),
        ("answered", "区管理员", "区委"),
    ]


def test_steps_are_append_only(world: World) -> None:
    send(world)

    for statement in (sa.update(FeedbackStep).values(note="x"), sa.delete(FeedbackStep)):
        with pytest.raises(DBAPIError), world.session.begin_nested():
            world.session.execute(statement.execution_options(synchronize_session=False))


def test_overdue_is_listed_told_once_and_never_closed(world: World) -> None:
    late = send(world)
    assert feedback_overdue.tell_overdue(world.session, now=NOW) == 0

    assert feedback_overdue.tell_overdue(world.session, now=LATER) == 1
    assert feedback_overdue.tell_overdue(world.session, now=LATER) == 0

    assert told(world, "feedback_overdue") == {"街道干事", "区管理员"}
    assert told(world, "feedback_late") == {"党员甲"}
    assert world.session.get_one(Feedback, late.id).status == "open"
    assert [one.step.kind for one in reading.list_steps(world.session, late.id)][-1] == "overdue"


def test_telling_many_takes_as_many_statements_as_one(world: World) -> None:
    numbers = []
    for count in (1, 5):
        for _ in range(count):
            send(world)
        with counted_statements(world.session) as seen:
            feedback_overdue.tell_overdue(world.session, now=LATER)
        numbers.append(len(seen))

    assert numbers[0] == numbers[1] <= 6


def test_lists_filter_by_state_and_leave_out_what_concerns_the_reader(world: World) -> None:
    answered, waiting = send(world), send(world, "党员乙")
    send(world, "党员丁")
    answer(world, "街道干事", answered)

    def ids(name: str, place: str, state: FeedbackState | None) -> list[UUID]:
        page = reading.list_of_body(
            world.session,
            world.actor(name),
            world.organizations[place],
            state=state,
            after=None,
            limit=10,
        )
        return [view.feedback.id for view in page.items]

    assert ids("街道干事", "街道", None) == [answered.id, waiting.id]
    assert ids("街道干事", "街道", FeedbackState.OPEN) == [waiting.id]
    assert ids("街道干事", "街道", FeedbackState.ANSWERED) == [answered.id]
    assert ids("街道干事", "街道", FeedbackState.OVERDUE) == []
    assert len(ids("审计员", "区委", None)) == 3
    # A branch does not read what is complained about it.
    assert ids("书记一", "一支部", None) == []
    with pytest.raises(NotFound):
        ids("街道干事", "镇", None)


@pytest.mark.parametrize(
    "more",
    [
        {"topic": FeedbackTopic.DELETION},
        {"kind": FeedbackKind.DATA_REQUEST},
        {
            "kind": FeedbackKind.DATA_REQUEST,
            "topic": FeedbackTopic.COPY,
            "is_anonymous": True,
        },
        {"is_anonymous": True, "error_request_id": "k7m2p9qd"},
    ],
)
def test_contradictions_are_refused(world: World, more: dict[str, Any]) -> None:
    with pytest.raises(FeedbackInvalid):
        send(world, **more)


@pytest.mark.parametrize(
    "named",
    [
        lambda world: {"about_organization_id": world.organizations["二支部"]},
        lambda world: {"to_organization_id": world.organizations["镇"]},
        lambda world: {"about_member_id": world.members["党员乙"]},
        lambda world: {"about_member_id": world.members["书记二"]},
    ],
)
def test_what_is_not_above_the_sender_is_absent(
    world: World, named: Callable[[World], dict[str, Any]]
) -> None:
    with pytest.raises(NotFound):
        send(world, **named(world))


def test_anonymous_sender_is_in_no_answer_and_in_no_event(world: World) -> None:
    session, sender = world.session, world.members["党员甲"]
    session.commit()
    before = session.scalar(sa.select(sa.func.max(AuditEvent.seq))) or 0
    sent = send(world, is_anonymous=True)
    session.commit()
    answer(world, "街道干事", sent)
    session.commit()
    unsettled(world, "党员甲", sent)
    session.commit()
    feedback_overdue.tell_overdue(session, now=LATER)
    session.commit()

    events = session.scalars(sa.select(AuditEvent).where(AuditEvent.seq > before)).all()
    assert len(events) == 4
    for one in events:
        assert sender not in (one.actor_id, one.on_behalf_of)
        assert sender.hex not in str((one.subjects, one.objects, one.shown))
    for name in ("区管理员", "审计员"):
        view = reading.get(session, world.actor(name), sent.id)
        assert (view.sender_id, view.sender_name) == (None, "匿名")
    own = reading.get(session, world.actor("党员甲"), sent.id)
    assert own.sender_id == sender
    assert told(world, "feedback_answered_quietly") == {"党员甲"}
    assert told(world, "feedback_answered") == set()
