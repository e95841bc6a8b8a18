"""How the demo's meetings were held: leave, roll call, a scan, catching up, a vote."""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import (
    activity_life,
    check_ins,
    closings,
    expected_lists,
    leave_decisions,
    leave_requests,
    make_ups,
    records,
    roll_calls,
)
from activities.check_ins import Scan
from activities.leave_requests import LeaveFacts
from activities.life_models import Attendance, AttendanceStatus, LeaveReason
from activities.make_ups import MakeUpFacts
from activities.models import Activity, ActivityKind
from activities.records import VoteCount
from activities.roll_calls import Mark, RollCall
from api.demo import cast
from api.demo.district import Branch, District, Person
from api.demo.timeline import Event, months
from core.clock import at_local, business_day

# One in so many is away, most of them with leave.
AWAY_ONE_IN, LEAVE_SHARE = 25, 0.7
# Other branches began late to announce their meetings here.
TOLD_AFTER = timedelta(days=360)
CATCHING_UP_DAY, CAUGHT_UP_WITHIN = 17, timedelta(days=10)
MOTION = "通过支部下季度工作计划"


def events(
    session: Session, rng: random.Random, district: District, *, founded_on: date
) -> Iterator[Event]:
    """The announcement and the evening of every meeting on the calendar that is over."""
    branches = {branch.id: branch for branch in district.branches.values()}
    home = district.branches[cast.HOME_BRANCH]
    planned = session.scalars(
        sa.select(Activity)
        .where(Activity.cancelled_at.is_(None))
        .order_by(Activity.starts_at, Activity.id)
    )
    for activity in planned.all():
        branch = branches[activity.organization_id]
        if branch is home or business_day(activity.starts_at) > founded_on + TOLD_AFTER:
            announced_at = max(activity.created_at, activity.starts_at - timedelta(days=4))
            yield Event(announced_at, partial(_announce, session, branch, activity))
        evening = activity.ends_at + timedelta(minutes=10)
        yield Event(evening, partial(_hold, session, rng, branch, activity))
    for month in months(founded_on, founded_on + timedelta(days=365)):
        for branch in district.branches.values():
            at = at_local(month.replace(day=CATCHING_UP_DAY), 19)
            yield Event(at, partial(_catch_up, session, branch))


def _announce(session: Session, branch: Branch, activity: Activity, now: datetime) -> None:
    day = business_day(now)
    activity_life.publish(session, branch.head.actor(day), activity.id, now=now)
    absent = _named(branch)
    if absent and activity.kind == ActivityKind.THEME_DAY and activity.starts_at.month % 6 == 0:
        facts = LeaveFacts(LeaveReason.OFFICIAL, "外出培训")
        leave = leave_requests.request(
            session, absent[0].actor(day), activity.id, facts=facts, now=now
        )
        leave_decisions.decide(
            session, branch.head.actor(day), leave.id, is_approved=True, reason="", now=now
        )


def _hold(
    session: Session, rng: random.Random, branch: Branch, activity: Activity, now: datetime
) -> None:
    """Everybody is there but for a few; the named member scans the code on the wall."""
    actor = branch.head.actor(business_day(now))
    expected = expected_lists.find_members(session, activity, now=activity.starts_at)
    in_the_middle = activity.starts_at + (activity.ends_at - activity.starts_at) / 2
    scanning = [person for person in _named(branch) if person.id in expected]
    if scanning and activity.kind == ActivityKind.GENERAL_MEETING:
        code = check_ins.issue_code(session, actor, activity.id, now=in_the_middle)
        scan = Scan(activity.id, token=code.token, scanned_at=in_the_middle)
        member = scanning[0].actor(business_day(now))
        check_ins.check_in(session, member, scan=scan, now=in_the_middle)
    names = {person.id for person in (branch.head, *scanning)}
    marks = [
        Mark(member_id, *_absence(rng))
        for member_id in expected
        if member_id not in names and rng.randrange(AWAY_ONE_IN) == 0
    ]
    roll = RollCall(marks, default=AttendanceStatus.PRESENT)
    roll_calls.call_roll(session, actor, activity.id, roll=roll, now=now)
    if activity.kind == ActivityKind.GENERAL_MEETING:
        _decide(session, branch, activity, now)
    closings.close(session, actor, activity.id, presumes_absence=True, now=now)


def _decide(session: Session, branch: Branch, activity: Activity, now: datetime) -> None:
    """The meeting votes, and its record says on what."""
    actor = branch.head.actor(business_day(now))
    present = records.find_voters(session, activity.id).present
    count = VoteCount(MOTION, in_favour=present, against=0, abstained=0)
    records.take_vote(session, actor, activity.id, count=count, now=now)
    texts = ("书记讲党课，党员讨论。", f"{MOTION}。")
    records.write(session, actor, activity.id, texts=texts, version=0, now=now)


def _absence(rng: random.Random) -> tuple[AttendanceStatus, str]:
    if rng.random() < LEAVE_SHARE:
        return AttendanceStatus.LEAVE_APPROVED, "电话请假"
    return AttendanceStatus.ABSENT_UNEXCUSED, ""


def _catch_up(session: Session, branch: Branch, now: datetime) -> None:
    """A member who was absent a week ago has read the papers with the secretary."""
    missed = session.execute(
        sa.select(Attendance.activity_id, Attendance.member_id)
        .join(Activity, Activity.id == Attendance.activity_id)
        .where(
            Activity.organization_id == branch.id,
            Activity.starts_at > now - CAUGHT_UP_WITHIN,
            Attendance.status == AttendanceStatus.ABSENT_UNEXCUSED,
            Attendance.member_id != branch.head.id,
        )
        .order_by(Attendance.member_id)
        .limit(1)
    ).first()
    if missed is not None:
        day = business_day(now)
        facts = MakeUpFacts(day, "学习会议材料并交流体会")
        actor = branch.head.actor(day)
        make_ups.confirm(session, actor, missed[0], missed[1], facts=facts, now=now)


def _named(branch: Branch) -> list[Person]:
    return [person for person in branch.people if person.name == cast.MEMBER.name]
