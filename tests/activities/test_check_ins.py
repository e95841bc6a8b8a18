"""Check-in: a fresh code, in time, once; what somebody has said stands above it."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from activities import attendance_codes, check_ins
from activities.activity_access import ActivityCancelled
from activities.calendar import AlreadyClosed, cancel
from activities.check_ins import (
    TRIES_MAX,
    CheckedIn,
    NotInvited,
    OutOfTime,
    Scan,
    TooManyTries,
    WrongCode,
)
from activities.life_models import CheckIn, CodeTry
from activities.models import Activity
from core.db import Base, vault_of
from core.errors import NotFound
from core.ids import new_id
from points import verification
from tests.activities.lives import ABSENT, PRESENT, Life
from tests.world import NOW


def code(life: Life, activity: Activity, *, at: datetime = NOW) -> attendance_codes.Code:
    key = attendance_codes.code_key(vault_of(life.session))
    return attendance_codes.issue(key, activity.id, at=at)


def scan(
    life: Life,
    activity: Activity,
    name: str = "党员甲",
    *,
    scanned_at: datetime = NOW,
    now: datetime | None = None,
    token: str | None = None,
    digits: str = "",
) -> CheckedIn:
    read = "" if digits else token or code(life, activity, at=scanned_at).token
    return check_ins.check_in(
        life.session,
        life.world.actor(name),
        scan=Scan(activity.id, read, digits, scanned_at),
        now=now or scanned_at,
    )


def test_fresh_code_starts_the_meeting_and_is_credited_at_its_closing(life: Life) -> None:
    activity = life.meeting()

    checked = scan(life, activity)
    life.close(activity, presumes_absence=True)

    assert (checked.status, checked.points, checked.refusal) == ("present", None, None)
    assert life.events(activity, "党员甲") == [(1, "present", "check_in")]
    assert life.points("党员甲") == [200]


def test_second_scan_is_no_error_and_changes_nothing(life: Life) -> None:
    activity = life.meeting()
    scan(life, activity)

    again = scan(life, activity)

    assert (again.status, again.message) == ("present", "您已签到，不用再签。")
    assert len(life.events(activity, "党员甲")) == 1


def test_scan_does_not_return_after_the_organiser_took_it_back(life: Life) -> None:
    activity = life.meeting()
    scan(life, activity)
    life.call(activity, life.mark("党员甲", ABSENT, "本人不在场"), default=None)

    again = scan(life, activity)

    assert again.status == life.row(activity, "党员甲").status == "absent_unexcused"


def test_who_comes_late_overturns_a_first_roll_call(life: Life) -> None:
    activity = life.meeting()
    life.call(activity, life.mark("党员甲", ABSENT))

    assert scan(life, activity).status == "present"


@pytest.mark.parametrize(
    ("scanned", "received", "is_taken"),
    [
        (timedelta(minutes=-70), timedelta(minutes=-70), True),
        (timedelta(minutes=-71), timedelta(minutes=-71), False),
        (timedelta(minutes=70), timedelta(minutes=70), True),
        (timedelta(minutes=71), timedelta(minutes=71), False),
        (timedelta(0), timedelta(hours=72), True),
        (timedelta(0), timedelta(hours=72, seconds=1), False),
        (timedelta(seconds=50), timedelta(0), True),
        (timedelta(seconds=70), timedelta(0), False),
    ],
)
def test_scan_counts_in_its_time_and_at_most_three_days_late(
    life: Life, scanned: timedelta, received: timedelta, is_taken: bool
) -> None:
    activity = life.meeting()
    at, now = NOW + scanned, NOW + received
    # A phone that runs ahead reads the code of the server's present.
    token = code(life, activity, at=min(at, now)).token

    if is_taken:
        assert scan(life, activity, scanned_at=at, now=now, token=token).status == "present"
        kept = life.session.scalars(sa.select(CheckIn)).one()
        assert (kept.scanned_at, kept.received_at) == (min(at, now), now)
    else:
        with pytest.raises((OutOfTime, AssertionError)):
            assert scan(life, activity, scanned_at=at, now=now, token=token).refusal is None


def test_code_of_another_meeting_or_time_is_refused(life: Life) -> None:
    activity, other = life.meeting(), life.meeting()
    foreign = code(life, other).token
    old = code(life, activity, at=NOW - timedelta(seconds=31)).token
    ahead = code(life, activity, at=NOW + timedelta(seconds=31)).token

    refusals = [scan(life, activity, token=token).refusal for token in (foreign, old, ahead, "x")]

    assert [type(refusal) for refusal in refusals] == [WrongCode] * 4
    assert life.session.scalar(sa.select(sa.func.count()).select_from(CheckIn)) == 0


def test_absent_activity_answers_like_a_wrong_code(life: Life) -> None:
    activity = life.meeting()
    actor = life.world.actor("党员甲")

    for read in ({"token": "A" * 20}, {"digits": "000000"}):
        answers = [
            check_ins.check_in(life.session, actor, scan=Scan(key, **read), now=NOW).refusal
            for key in (activity.id, new_id())
        ]
        assert {(type(one), str(one)) for one in answers} == {(WrongCode, str(answers[0]))}


def test_digits_are_tried_five_times(life: Life) -> None:
    activity = life.meeting()
    right = code(life, activity).digits
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"

    tries = [scan(life, activity, digits=wrong).refusal for _ in range(TRIES_MAX)]
    last = scan(life, activity, digits=right).refusal
    other = scan(life, activity, "党员乙", digits=right)

    assert {type(one) for one in tries} == {WrongCode}
    assert isinstance(last, TooManyTries)
    assert other.status == "present"
    assert life.session.scalars(sa.select(CodeTry.wrong)).all() == [TRIES_MAX]


def test_right_digits_forget_the_wrong_ones(life: Life) -> None:
    activity = life.meeting()
    scan(life, activity, digits="abcdef")

    assert scan(life, activity, digits=code(life, activity).digits).status == "present"
    assert life.session.scalars(sa.select(CodeTry)).all() == []


def test_late_scan_overturns_a_presumed_absence_by_itself(life: Life) -> None:
    activity = life.meeting()
    life.call(activity, life.mark("党员乙", PRESENT), default=None)
    life.close(activity, presumes_absence=True)

    checked = scan(life, activity, now=NOW + timedelta(days=1))

    assert (checked.status, checked.points) == ("present", 200)
    assert life.points("党员甲") == [-200, 200, 200]
    assert life.events(activity, "党员甲") == [
        (1, "absent_unexcused", "closing"),
        (2, "present", "check_in"),
    ]
    assert verification.verify(life.session).findings == []


def test_late_scan_does_not_overturn_what_somebody_said(life: Life) -> None:
    activity = life.meeting()
    life.call(activity, life.mark("党员甲", ABSENT))
    life.close(activity)

    checked = scan(life, activity, now=NOW + timedelta(days=1))

    assert checked.status == life.row(activity, "党员甲").status == "absent_unexcused"
    assert "核对" in checked.message
    assert life.points("党员甲") == [-200]
    assert life.session.scalars(sa.select(CheckIn.is_applied)).all() == [False]


def test_who_closed_the_meeting_does_not_take_back_his_own_absence(life: Life) -> None:
    activity = life.meeting()
    life.call(activity, life.mark("党员甲", PRESENT), default=None)
    life.close(activity, presumes_absence=True)

    checked = scan(life, activity, "书记一", now=NOW + timedelta(hours=1))

    assert checked.status == "absent_unexcused"
    assert life.points("书记一") == [-200]


def test_stranger_with_the_code_is_not_on_the_list(life: Life) -> None:
    activity = life.meeting()

    with pytest.raises(NotInvited):
        scan(life, activity, "党员丙")


def test_cancelled_meeting_takes_no_scan_and_shows_no_code(life: Life) -> None:
    activity = life.meeting()
    secretary = life.world.actor("书记一")
    cancel(life.session, secretary, activity.organization_id, activity.id, now=NOW)

    with pytest.raises(ActivityCancelled):
        scan(life, activity)
    with pytest.raises(ActivityCancelled):
        check_ins.issue_code(life.session, secretary, activity.id, now=NOW)


def test_only_organisers_of_an_open_meeting_see_its_code(life: Life) -> None:
    activity = life.meeting()

    shown = check_ins.issue_code(life.session, life.world.actor("书记一"), activity.id, now=NOW)
    assert shown == code(life, activity)
    with pytest.raises(NotFound):
        check_ins.issue_code(life.session, life.world.actor("书记二"), activity.id, now=NOW)
    life.call(activity)
    life.close(activity)
    with pytest.raises(AlreadyClosed):
        check_ins.issue_code(life.session, life.world.actor("书记一"), activity.id, now=NOW)


def test_no_device_or_place_is_kept_of_a_check_in() -> None:
    columns = set(Base.metadata.tables["check_in"].columns.keys())

    assert columns == {
        "id", "activity_id", "member_id", "method", "scanned_at", "received_at", "is_applied",
    }  # fmt: skip
