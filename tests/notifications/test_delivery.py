"""From the outbox to a provider: what is tried again, what is not, and what is told of it."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import at_local, business_day
from jobs.outside import BATCH_MAX
from members.models import Member
from notifications import breaker, leasing, planning
from notifications.breaker import Breaker
from notifications.channels.sender import NEVER, Answer, Outgoing, Result
from notifications.delivery_models import OutboxAttempt, OutboxOutcome
from notifications.models import Because, Channel, OutboxState
from notifications.preparing import Trial
from notifications.stop_conditions import Carried
from tests.notifications.dispatching import SENT, Desk, KilledError
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


def test_message_leaves_with_the_digest_and_is_sent(desk: Desk) -> None:
    desk.tell("claim_approved", "1")

    assert desk.dispatch() == 0
    assert (desk.record.outside_after, desk.record.suppressed_because) == (TEN, Because.DIGEST)
    assert desk.dispatch(at=TEN) == 1
    assert (desk.row.state, desk.row.provider_message_id) == (OutboxState.SENT, "biz-1")
    assert desk.record.carried_by == desk.row.id
    assert desk.record.suppressed_because is None
    [outgoing] = desk.sender.log
    assert outgoing.address == desk.world.phones["党员甲"]
    assert outgoing.text == "党同志：您的一项申报已有结果。请打开智慧党建查看。"
    assert desk.dispatch(at=TEN + DAY) == 0


def test_several_leave_as_one_digest(desk: Desk) -> None:
    for number in range(3):
        desk.tell("claim_approved", str(number))
    desk.tell("leave_decided", "4")

    assert desk.dispatch(at=TEN) == 1
    assert desk.row.kind == planning.DIGEST_KIND
    assert set(desk.sender.log[0].matters) == {"您的一项申报已有结果", "您的请假已有答复"}
    assert {record.carried_by for record in desk.rows(outside=False)} == {desk.row.id}


def test_at_most_two_a_week_leave(desk: Desk) -> None:
    for day in range(7):
        desk.now = TEN - timedelta(hours=1) + day * DAY
        desk.tell("claim_approved", str(day))
        desk.dispatch(at=TEN + day * DAY)

    # Monday, Tuesday; the others wait for the Monday after, in one digest.
    assert [business_day(row.created_at) for row in desk.rows(outside=True)] == [
        MONDAY, MONDAY + DAY,
    ]  # fmt: skip
    assert desk.dispatch(at=TEN + 7 * DAY) == 1
    assert len(desk.sender.log) == 3
    assert all(record.carried_by for record in desk.rows(outside=False))


def test_event_of_the_day_leaves_at_night_and_beside_the_budget(desk: Desk) -> None:
    night = at_local(MONDAY, 5)
    desk.now = night
    told = {"title": "主题党日", "starts_at": "11月09日 06:30", "reason": "暴雨"}
    desk.tell("activity_cancelled", "a", event_on=MONDAY, **told)

    assert desk.dispatch() == 1
    assert desk.row.is_urgent


@pytest.mark.parametrize(
    ("because", "kind", "prepare"),
    [
        (Because.NO_CHANNEL, "claim_approved", "channel"),
        (Because.NO_ADDRESS, "claim_approved", "phone"),
        (None, "pledge_approved", ""),
    ],
)
def test_why_a_message_stays_in_the_inbox(
    desk: Desk, because: Because | None, kind: str, prepare: str
) -> None:
    if prepare == "channel":
        desk.sender.channel = Channel.EMAIL
    if prepare == "phone":
        desk.session.execute(sa.update(Member).values(phone_sealed=None))
    desk.tell(kind, "1")

    assert desk.dispatch(at=TEN) == 0
    assert (desk.record.outside_after, desk.record.suppressed_because) == (None, because)
    assert desk.rows(outside=True) == []


def test_trial_writes_to_the_listed_addresses_only(desk: Desk) -> None:
    desk.trial = Trial(is_on=True, addresses=frozenset({desk.world.phones["党员乙"]}))
    for name in ("党员甲", "党员乙", "党员丙"):
        desk.tell("claim_approved", "1", name=name)

    assert desk.dispatch(at=TEN) == 1
    assert [one.address for one in desk.sender.log] == [desk.world.phones["党员乙"]]
    dropped = [row for row in desk.rows(outside=True) if row.state == OutboxState.CANCELLED]
    assert [row.suppressed_because for row in dropped] == [Because.TRIAL] * 2


@pytest.mark.parametrize("trial", [Trial(is_on=False), Trial()], ids=["real", "trial"])
def test_trial_shows_a_week_as_it_would_be(desk: Desk, trial: Trial) -> None:
    desk.trial = trial
    for day in range(7):
        desk.now = TEN - timedelta(hours=1) + day * DAY
        desk.tell("claim_approved", str(day))
        desk.dispatch(at=TEN + day * DAY)

    assert len(desk.rows(outside=True)) == 2
    assert len(desk.sender.log) == (0 if trial.is_on else 2)


def test_trial_is_on_until_it_is_switched_off() -> None:
    assert not Trial().admits("13800000000")


def test_stop_condition_is_asked_again_at_the_last_moment(desk: Desk) -> None:
    asked: list[str] = []

    def only_b(_session: Session, carried: Sequence[Carried]) -> Collection[UUID]:
        asked.extend(one.occasion for one in carried)
        return {one.id for one in carried if one.occasion == "b"}

    desk.stops = {"activity_is_on": only_b}
    told = {"title": "党课", "place": "会议室", "starts_at": "11月20日"}
    for name, occasions in (("党员甲", "a"), ("党员乙", "ab")):
        for occasion in occasions:
            desk.tell("activity_published", occasion, name=name, **told)

    assert desk.dispatch(at=TEN) == 1
    assert sorted(asked) == ["a", "a", "b"]
    [stopped, sent] = sorted(desk.rows(outside=True), key=lambda row: row.state)
    assert (stopped.state, stopped.suppressed_because) == (OutboxState.CANCELLED, Because.STOPPED)
    assert sent.state == OutboxState.SENT


def test_refusal_is_final_and_keeps_the_provider_s_code(desk: Desk) -> None:
    desk.sender.script = [REFUSED]
    desk.tell("claim_approved", "1")

    desk.dispatch(at=TEN)
    desk.dispatch(at=TEN + timedelta(hours=2))

    assert (desk.row.state, desk.row.provider_code) == (OutboxState.REJECTED, REFUSED.code)
    assert len(desk.sender.log) == 1


def test_what_took_nothing_is_tried_again_with_growing_pauses_and_then_not(desk: Desk) -> None:
    desk.sender.script = [LATER]
    desk.tell("claim_approved", "1")
    for minute in range(20):
        desk.dispatch(at=TEN + timedelta(minutes=minute))

    begun = desk.session.scalars(
        sa.select(OutboxAttempt.begun_at).order_by(OutboxAttempt.number)
    ).all()
    pauses = [later - earlier for earlier, later in pairwise(begun)]
    assert len(begun) == leasing.ATTEMPTS_MAX
    assert pauses == sorted(pauses)
    assert desk.row.state == OutboxState.REJECTED
    assert len({one.key for one in desk.sender.log}) == 1, "every attempt has the same key"


def test_breaker_lets_a_provider_rest(desk: Desk) -> None:
    desk.sender.script = [LATER]
    for number in range(40):
        name = f"新人{number}"
        desk.world.add_member(name, "一支部")
        desk.tell("claim_approved", "1", name=name)

    desk.dispatch(at=TEN)
    assert len(desk.sender.log) == BATCH_MAX
    desk.dispatch(at=TEN + timedelta(seconds=30))
    assert len(desk.sender.log) == BATCH_MAX
    desk.sender.script = [SENT]
    desk.dispatch(at=TEN + timedelta(hours=1))
    assert {row.state for row in desk.rows(outside=True)} == {OutboxState.SENT}


def test_breaker_is_pure() -> None:
    state = Breaker()
    for _ in range(breaker.FAILURES_MAX):
        assert breaker.allowance(state, now=TEN, full=20) == 20
        state = breaker.after(state, is_failure=True, now=TEN)
    assert breaker.allowance(state, now=TEN, full=20) == 0
    later = TEN + breaker.PAUSE_MIN
    assert breaker.allowance(state, now=later, full=20) == 1, "one as a trial"
    assert breaker.after(state, is_failure=True, now=later).open_until == later + 2 * (
        breaker.PAUSE_MIN
    )
    assert breaker.after(state, is_failure=False, now=later) == Breaker()


@pytest.mark.parametrize(
    ("idempotent_for", "calls"), [(NEVER, 1), (timedelta(hours=23), leasing.ATTEMPTS_MAX)]
)
def test_unknown_is_repeated_only_where_a_repetition_does_no_harm(
    desk: Desk, idempotent_for: timedelta, calls: int
) -> None:
    desk.sender.script = [UNKNOWN]
    desk.sender.idempotent_for = idempotent_for
    desk.tell("claim_approved", "1")
    for hour in range(11):
        desk.dispatch(at=TEN + timedelta(hours=hour))

    assert desk.row.state == OutboxState.UNKNOWN
    assert len(desk.sender.log) == calls
    assert len({one.key for one in desk.sender.log}) == 1


def test_unknown_is_not_repeated_after_the_window(desk: Desk) -> None:
    desk.sender.script = [UNKNOWN]
    desk.sender.idempotent_for = timedelta(hours=1)
    desk.tell("claim_approved", "1")

    desk.dispatch(at=TEN)
    desk.dispatch(at=TEN + timedelta(hours=1))

    assert len(desk.sender.log) == 1


def test_killed_during_the_call_is_unknown(desk: Desk) -> None:
    desk.sender.script = [None, SENT]
    desk.tell("claim_approved", "1")
    with pytest.raises(KilledError):
        desk.dispatch(at=TEN)

    assert desk.row.state == OutboxState.LEASED
    desk.dispatch(at=TEN + timedelta(seconds=30))
    assert desk.row.state == OutboxState.LEASED, "he may still be at it"
    desk.dispatch(at=TEN + timedelta(seconds=90))
    assert desk.row.state == OutboxState.UNKNOWN
    assert outcomes(desk.session) == {("lease", "unknown")}
    assert len(desk.sender.log) == 1


def test_killed_before_the_attempt_has_sent_nothing(desk: Desk) -> None:
    desk.tell("claim_approved", "1")
    planning.plan(desk.session, switched_on={Channel.SMS}, now=TEN)
    by = UUID(int=1)
    leasing.lease(desk.session, Channel.SMS, by=by, limit=9, urgent_only=False, now=TEN)

    assert desk.dispatch(at=TEN + timedelta(seconds=90)) == 1
    assert desk.row.state == OutboxState.SENT


def test_answer_after_the_lease_settles_the_unknown(desk: Desk) -> None:
    def asleep(_outgoing: Outgoing) -> None:
        leasing.reclaim(desk.session, now=TEN + timedelta(seconds=90))

    desk.sender.during = asleep
    desk.tell("claim_approved", "1")
    desk.dispatch(at=TEN)

    assert (desk.row.state, desk.row.provider_message_id) == (OutboxState.SENT, "biz-1")
    assert outcomes(desk.session) == {("lease", "unknown"), ("answer", "sent")}


def test_defect_in_one_message_does_not_stop_the_others(desk: Desk) -> None:
    for name in ("党员甲", "党员乙", "党员丙"):
        desk.tell("claim_approved", "1", name=name)
    garbled = sa.update(Member).where(Member.id == desk.world.members["党员甲"])
    desk.session.execute(garbled.values(phone_sealed=b"\x01" + b"x" * 40))

    assert desk.dispatch(at=TEN) == 2
    assert desk.dispatch(at=TEN + timedelta(minutes=2)) == 0


def test_no_transaction_is_open_during_the_call(desk: Desk) -> None:
    opened: list[bool] = []
    desk.sender.during = lambda _outgoing: opened.append(desk.session.in_transaction())
    desk.tell("claim_approved", "1")

    desk.dispatch(at=TEN)

    assert opened == [False]


def test_provider_s_trouble_does_not_ring_at_night(desk: Desk) -> None:
    desk.sender.script = [LATER, SENT]
    desk.tell("claim_approved", "1")
    desk.dispatch(at=TEN)

    assert desk.dispatch(at=at_local(MONDAY, 22)) == 0
    assert desk.dispatch(at=TEN + DAY) == 1


def test_what_waited_too_long_is_no_news(desk: Desk) -> None:
    desk.sender.script = [LATER, SENT]
    desk.tell("claim_approved", "1")
    desk.dispatch(at=TEN)

    assert desk.dispatch(at=TEN + 7 * DAY) == 0
    assert (desk.row.state, desk.row.suppressed_because) == (OutboxState.EXPIRED, Because.PAST)
