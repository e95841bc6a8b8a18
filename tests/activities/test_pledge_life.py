"""The life of a pledge: written, approved, published, amended, ended."""

from datetime import date

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import pledge_reading, pledge_reviews
from activities.pledge_meetings import Meeting, MeetingRefused
from activities.pledge_models import PledgeBody
from activities.pledge_states import PledgeStatus, PledgeStep
from activities.volunteering import NotAffiliated
from members.models import Affiliation
from notifications.models import OutboxMessage
from points.models import LedgerEntry
from tests.pledging import Pledging, amendment
from tests.world import NOW, World, build_world

S, P = PledgeStatus, PledgeStep


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


@pytest.fixture
def pledging(world: World) -> Pledging:
    return Pledging(world)


def test_whole_life_leaves_its_timeline_notes_and_points(world: World, pledging: Pledging) -> None:
    pledge_id = pledging.write()
    steps = (P.EDIT, P.SUBMIT, P.APPROVE, P.PUBLISH, P.NOTE_PROGRESS, P.SUPERVISE)
    for step in (*steps, P.REPORT_FULFILMENT, P.EVALUATE, P.CLOSE):
        pledging.take(pledge_id, step)

    record = pledge_reading.get(world.session, world.actor("党员甲"), pledge_id)

    assert record.line.pledge.status == S.CLOSED
    assert [event.kind for event in record.timeline] == [
        P.CREATE, *steps, P.REPORT_FULFILMENT, P.EVALUATE, P.CLOSE,
    ]  # fmt: skip
    assert [(note.kind, note.note) for note in record.notes] == [
        ("progress", "上门两次"),
        ("supervision", "已核实"),
        ("progress", "全年上门 14 次"),
    ]
    (evaluation,) = record.evaluations
    entry = world.session.scalars(sa.select(LedgerEntry)).one()
    assert (evaluation.points, evaluation.is_reversed) == (600, False)
    assert evaluation.PledgeEvaluation.entry_id == entry.id
    assert (entry.source_kind, entry.source_id, entry.source_revision) == ("pledge", pledge_id, 1)


def test_report_alone_gives_no_points(world: World, pledging: Pledging) -> None:
    pledging.at(S.FULFILMENT_REPORTED)

    assert world.session.scalars(sa.select(LedgerEntry)).all() == []


def test_text_in_force_stays_until_the_new_one_is_approved(
    world: World, pledging: Pledging
) -> None:
    pledge_id = pledging.at(S.PUBLISHED)
    before = pledging.get(pledge_id)
    decided = before.decided_by, before.title

    pledging.take(pledge_id, P.AMEND)
    waiting = pledging.get(pledge_id)
    assert (waiting.status, waiting.decided_by, waiting.title) == (S.AMENDED, *decided)
    assert (waiting.text_number, waiting.text_in_force) == (2, 1)

    pledging.take(pledge_id, P.APPROVE)
    after = pledging.get(pledge_id)
    assert (after.status, after.title, after.text_in_force) == (
        S.IN_PROGRESS,
        amendment().title,
        2,
    )
    record = pledge_reading.get(world.session, world.actor("党员甲"), pledge_id)
    assert [(text.number, text.title) for text in record.texts] == [
        (1, decided[1]),
        (2, amendment().title),
    ]


def test_refused_amendment_changes_nothing_of_the_promise(pledging: Pledging) -> None:
    pledge_id = pledging.at(S.AMENDED)
    title = pledging.get(pledge_id).title

    pledging.take(pledge_id, P.RETURN)

    kept = pledging.get(pledge_id)
    assert (kept.status, kept.title, kept.text_in_force) == (S.IN_PROGRESS, title, 1)
    assert kept.decision_reason == ""
    pledging.take(pledge_id, P.AMEND)
    assert pledging.get(pledge_id).text_number == 3


def test_returned_pledge_is_rewritten_and_sent_in_again(pledging: Pledging) -> None:
    pledge_id = pledging.at(S.RETURNED)
    returned = pledging.get(pledge_id)
    assert (returned.decision_reason, returned.decided_by is None) == ("目标不具体", False)

    for step in (P.EDIT, P.SUBMIT, P.APPROVE):
        pledging.take(pledge_id, step)

    assert (pledging.get(pledge_id).text_in_force, pledging.get(pledge_id).status) == (
        2,
        S.APPROVED,
    )


def test_general_meeting_needs_its_day_and_minutes(world: World, pledging: Pledging) -> None:
    pledge_id = pledging.at(S.SUBMITTED)

    def approve(meeting: Meeting) -> None:
        pledge_reviews.approve(
            world.session, world.actor("书记一"), pledge_id, meeting=meeting, version=2, now=NOW
        )

    for meeting in (
        Meeting(PledgeBody.GENERAL_MEETING, date(2026, 11, 9), ""),
        Meeting(PledgeBody.GENERAL_MEETING, None, "记录 1 号"),
        Meeting(PledgeBody.GENERAL_MEETING, date(2026, 11, 11), "记录 1 号"),
        Meeting(PledgeBody.UPPER_COMMITTEE),
    ):
        with pytest.raises(MeetingRefused):
            approve(meeting)
    approve(Meeting(PledgeBody.GENERAL_MEETING, date(2026, 11, 9), "记录 1 号"))

    approved = pledging.get(pledge_id)
    assert (approved.approval_body, approved.approval_reference) == ("general_meeting", "记录 1 号")


def test_committee_approves_unless_another_body_is_named(pledging: Pledging) -> None:
    approved = pledging.get(pledging.at(S.APPROVED))

    assert (approved.approval_body, approved.approval_meeting_on) == ("branch_committee", None)


def test_transfer_leaves_the_pledge_with_its_branch(world: World, pledging: Pledging) -> None:
    pledge_id = pledging.at(S.IN_PROGRESS)
    member = world.members["党员甲"]
    world.session.execute(
        sa.update(Affiliation)
        .where(Affiliation.member_id == member)
        .values(valid_to=date(2026, 11, 9))
    )
    pledging.take(pledge_id, P.REPORT_FULFILMENT)

    result = pledging.grade(pledge_id, "优")

    assert result.credited is not None
    assert pledging.get(pledge_id).organization_id == world.organizations["一支部"]
    with pytest.raises(NotAffiliated):
        pledging.write()


def test_messages_tell_what_was_decided(world: World, pledging: Pledging) -> None:
    pledging.at(S.RETURNED)
    pledging.at(S.EVALUATED)

    kinds = world.session.scalars(sa.select(OutboxMessage.kind)).all()
    assert sorted(kinds) == [
        "pledge_approved",
        "pledge_evaluated",
        "pledge_published",
        "pledge_returned",
    ]
