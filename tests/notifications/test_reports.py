"""What providers report later, and what the tables refuse."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.orm import Session

from core.clock import at_local
from notifications import planning
from notifications.channels.sender import Answer, Outgoing, Result
from notifications.delivery_models import OutboxAttempt, OutboxOutcome
from notifications.models import Channel, OutboxState
from notifications.outbox import Message, enqueue
from notifications.reports import Report, take_reports
from tests.notifications.dispatching import SENT, Desk, FakeSender
from tests.statements import counted_statements
from tests.world import build_world

MONDAY = date(2026, 11, 9)
TEN = at_local(MONDAY, 10)
UNKNOWN = Answer(Result.UNKNOWN, "no_answer")
LATER = Answer(Result.TRY_AGAIN, "http_503")
REFUSED = Answer(Result.REFUSED, "isv.MOBILE_NUMBER_ILLEGAL")
DAY = timedelta(days=1)


@pytest.fixture
def desk(session: Session) -> Desk:
    return Desk(session, build_world(session), TEN - timedelta(hours=1))


def outcomes(session: Session) -> set[tuple[str, str]]:
    rows = session.execute(sa.select(OutboxOutcome.source, OutboxOutcome.state))
    return {(row.source, row.state) for row in rows}


def report(desk: Desk, *, delivered: bool, number: str = "biz-1", own: str = "") -> int:
    one = Report(delivered, "DELIVERED" if delivered else "UNDELIV", number, own)
    return take_reports(desk.session, "sms_aliyun", [one], now=desk.now)


def test_reports_doubled_and_out_of_order_are_harmless(desk: Desk) -> None:
    desk.tell("claim_approved", "1")
    desk.dispatch(at=TEN)

    moved = [report(desk, delivered=word) for word in (True, True, False, True)]

    assert moved == [1, 0, 0, 0]
    assert (desk.row.state, desk.row.provider_code) == (OutboxState.DELIVERED, "DELIVERED")
    assert desk.row.finished_at == TEN


def test_report_may_be_faster_than_the_answer(desk: Desk) -> None:
    desk.sender.during = lambda outgoing: report_early(desk, outgoing)
    desk.tell("claim_approved", "1")

    desk.dispatch(at=TEN)

    assert (desk.row.state, desk.row.provider_message_id) == (OutboxState.DELIVERED, "biz-1")
    assert outcomes(desk.session) == {("report", "delivered"), ("answer", "sent")}


def report_early(desk: Desk, outgoing: Outgoing) -> None:
    report(desk, delivered=True, number="", own=outgoing.key)


def test_report_settles_an_unknown_by_our_own_number(desk: Desk) -> None:
    desk.sender.script = [UNKNOWN]
    desk.tell("claim_approved", "1")
    desk.dispatch(at=TEN)

    assert report(desk, delivered=False, number="biz-9", own=str(desk.row.id)) == 1
    assert desk.row.state == OutboxState.REJECTED


def test_report_of_another_provider_or_of_nothing_changes_nothing(desk: Desk) -> None:
    desk.tell("claim_approved", "1")
    desk.dispatch(at=TEN)
    one = Report(True, "", "biz-1")

    assert take_reports(desk.session, "sms_tencent", [one], now=TEN) == 0
    assert report(desk, delivered=True, number="biz-7", own="no id") == 0
    assert report(desk, delivered=True, number="", own="") == 0
    assert desk.row.state == OutboxState.SENT


def test_planning_takes_the_same_statements_for_one_and_for_hundreds(session: Session) -> None:
    desk = Desk(session, build_world(session), TEN - timedelta(hours=1), FakeSender())
    counts = []
    for size in (1, 150):
        names = ["党员甲"] if size == 1 else [f"新{number}" for number in range(size)]
        for name in names if size > 1 else []:
            desk.world.add_member(name, "二支部")
        params = {"title": "某事", "points": "1", "note": ""}
        messages = [
            Message(desk.world.members[name], "claim_approved", f"{size}:{number}", params)
            for name in names
            for number in range(2)
        ]
        enqueue(session, messages, now=TEN - timedelta(hours=1))
        with counted_statements(session) as statements:
            planning.plan(session, switched_on={Channel.SMS}, now=TEN)
        counts.append(len(statements))

    assert counts == [7, 7]


def test_attempts_and_outcomes_are_never_changed(desk: Desk) -> None:
    desk.tell("claim_approved", "1")
    desk.dispatch(at=TEN)

    for table in (OutboxAttempt, OutboxOutcome):
        for change in (sa.update(table).values(number=9), sa.delete(table)):
            with pytest.raises(DatabaseError), desk.session.begin_nested():
                desk.session.execute(change)


def test_database_refuses_a_lease_without_holder_and_a_resolution_by_oneself(desk: Desk) -> None:
    desk.tell("claim_approved", "1")
    member = desk.world.members["党员甲"].hex
    at = "2026-11-09T02:00:00.000000Z"
    for values in (
        "state = 'leased'",
        f"lease_until = '{at}'",
        f"resolved_by = '{member}', resolved_at = '{at}'",
        f"resolved_at = '{at}'",
    ):
        with pytest.raises(IntegrityError), desk.session.begin_nested():
            desk.session.execute(sa.text(f"UPDATE outbox_message SET {values}"))  # noqa: S608


def test_phone_and_token_stand_in_no_log(
    desk: Desk, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    desk.sender.script = [REFUSED, UNKNOWN, LATER, SENT]
    for name in ("党员甲", "党员乙", "党员丙", "党员丁"):
        desk.tell("claim_approved", "1", name=name)
    desk.dispatch(at=TEN)

    written = capsys.readouterr()
    text = written.out + written.err + caplog.text
    assert len(desk.sender.log) == 4
    assert "outbox.answered" in text
    assert [phone for phone in desk.world.phones.values() if phone in text] == []
