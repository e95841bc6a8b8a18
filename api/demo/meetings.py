"""How the demo's meetings were held: leave, roll call, a scan, catching up, a vote."""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import (
    activity_life,
    branch_duties,
    calendar,
    check_ins,
    closings,
    expected_lists,
    leave_decisions,
    leave_requests,
    make_ups,
    records,
    roll_calls,
)
from activities.branch_duties import ExcuseData
from activities.check_ins import Scan
from activities.leave_requests import LeaveFacts
from activities.life_models import Attendance, AttendanceOrigin, AttendanceStatus, LeaveReason
from activities.make_ups import MakeUpFacts
from activities.models import Activity, ActivityKind
from activities.records import VoteCount
from activities.roll_calls import Mark, RollCall
from api.demo import cast
from api.demo.district import Branch, District, Person
from api.demo.timeline import Event, months
from core.clock import at_local, business_day
from members.access import Actor

# One in so many is away, most of them with leave; or was there in another way.
AWAY_ONE_IN = 25
_AWAY = (
    *[(AttendanceStatus.LEAVE_APPROVED, "电话请假")] * 6,
    *[(AttendanceStatus.ABSENT_UNEXCUSED, "")] * 3,
    (AttendanceStatus.PRESENT_REMOTE, "视频参加"),
    (AttendanceStatus.PRESENT_ELSEWHERE, "在流入地支部参加"),
)
# Other branches began late to announce their meetings here, and one keeps its list on paper.
TOLD_AFTER = timedelta(days=360)
PAPER_BRANCH = "南堡村党支部"
STORM_MONTH = 8
CATCHING_UP_DAY, CAUGHT_UP_WITHIN = 17, timedelta(days=10)
MOTION = "通过支部下半年工作计划"


def events(
    session: Session, rng: random.Random, district: District, *, founded_on: date
) -> Iterator[Event]:
    """The announcement and the evening of every meeting on the calendar that is over."""
    home = district.branches[cast.HOME_BRANCH]
    planned = session.scalars(
        sa.select(Activity)
        .where(Activity.cancelled_at.is_(None))
        .order_by(Activity.starts_at, Activity.id)
    )
    for activity in planned.all():
        is_home = activity.organization_id == home.id
        if is_home or business_day(activity.starts_at) > founded_on + TOLD_AFTER:
            announced_at = max(activity.created_at, activity.starts_at - timedelta(days=4))
            yield Event(announced_at, partial(_announce, session, district, activity))
        if is_home and activity.starts_at.month == STORM_MONTH:
            morning = activity.starts_at - timedelta(hours=10)
            yield Event(morning, partial(_call_off, session, home, activity))
            continue
        evening = activity.ends_at + timedelta(minutes=10)
        yield Event(evening, partial(_hold, session, rng, district, activity))
    for month in months(founded_on, founded_on + timedelta(days=365)):
        for branch in district.working(month):
            if month.month % 3 == 0:
                at = at_local(month.replace(day=CATCHING_UP_DAY), 19)
                yield Event(at, partial(_catch_up, session, branch))


def _announce(session: Session, district: District, activity: Activity, now: datetime) -> None:
    """In the home branch somebody who will be on a journey asks for leave, and gets it."""
    day = business_day(now)
    leader = district.leader(activity.organization_id)
    activity_life.publish(session, leader.actor(day), activity.id, now=now)
    home = district.branches[cast.HOME_BRANCH]
    if leader is home.head and activity.starts_at.month % 6 == 0:
        traveller = home.free(day)[3].actor(day)
        facts = LeaveFacts(LeaveReason.OFFICIAL, "外出培训")
        leave = leave_requests.request(session, traveller, activity.id, facts=facts, now=now)
        leave_decisions.decide(
            session, leader.actor(day), leave.id, is_approved=True, reason="", now=now
        )


def _call_off(session: Session, home: Branch, activity: Activity, now: datetime) -> None:
    """A storm: the month in which the theme day did not take place."""
    actor = home.head.actor(business_day(now))
    calendar.cancel(session, actor, home.id, activity.id, reason="防汛值守", now=now)
    data = ExcuseData(ActivityKind.THEME_DAY, business_day(now), "防汛值守，全体党员上堤")
    branch_duties.excuse(session, actor, home.id, data=data, now=now)


def _hold(
    session: Session, rng: random.Random, district: District, activity: Activity, now: datetime
) -> None:
    """Everybody is there but for a few; the named member scans the code on the wall."""
    leader = district.leader(activity.organization_id)
    actor = leader.actor(business_day(now))
    expected = expected_lists.find_members(session, activity, now=activity.starts_at)
    member, names = district.person(cast.MEMBER), {leader.id}
    if member.id in expected and activity.kind == ActivityKind.GENERAL_MEETING:
        _scan(session, leader, member, activity)
        names.add(member.id)
    silent = district.silent(business_day(now))
    names |= silent
    away = [one for one in expected if one not in names and rng.randrange(AWAY_ONE_IN) == 0]
    is_paper = activity.organization_id == district.branches[PAPER_BRANCH].id
    origin = AttendanceOrigin.PAPER if is_paper else AttendanceOrigin.ROLL_CALL
    marks = [Mark(one, *rng.choice(_AWAY)) for one in away]
    marks += [Mark(one, AttendanceStatus.ABSENT_UNEXCUSED, "") for one in expected if one in silent]
    roll = RollCall(marks, AttendanceStatus.PRESENT, origin)
    roll_calls.call_roll(session, actor, activity.id, roll=roll, now=now)
    if activity.kind == ActivityKind.GENERAL_MEETING and activity.starts_at.month % 6 == 0:
        _decide(session, actor, activity, now)
    closings.close(session, actor, activity.id, presumes_absence=True, now=now)


def _scan(session: Session, leader: Person, member: Person, activity: Activity) -> None:
    at = activity.starts_at + (activity.ends_at - activity.starts_at) / 2
    day = business_day(at)
    code = check_ins.issue_code(session, leader.actor(day), activity.id, now=at)
    scan = Scan(activity.id, token=code.token, scanned_at=at)
    check_ins.check_in(session, member.actor(day), scan=scan, now=at)


def _decide(session: Session, actor: Actor, activity: Activity, now: datetime) -> None:
    """The meeting votes, and its record says on what."""
    present = records.find_voters(session, activity.id).present
    count = VoteCount(MOTION, in_favour=present, against=0, abstained=0)
    records.take_vote(session, actor, activity.id, count=count, now=now)
    texts = ("书记讲党课，党员讨论。", f"{MOTION}。")
    records.write(session, actor, activity.id, texts=texts, version=0, now=now)


def _catch_up(session: Session, branch: Branch, now: datetime) -> None:
    """A member who was absent a week ago has read the papers with the secretary."""
    day = business_day(now)
    silent = [person.id for person in branch.people if person.is_silent(day)]
    missed = session.execute(
        sa.select(Attendance.activity_id, Attendance.member_id)
        .join(Activity, Activity.id == Attendance.activity_id)
        .where(
            Activity.organization_id == branch.id,
            Activity.starts_at > now - CAUGHT_UP_WITHIN,
            Attendance.status == AttendanceStatus.ABSENT_UNEXCUSED,
            Attendance.member_id.not_in([branch.head.id, *silent]),
        )
        .order_by(Attendance.member_id)
        .limit(1)
    ).first()
    if missed is not None:
        facts = MakeUpFacts(day, "学习会议材料并交流体会")
        actor = branch.head.actor(day)
        make_ups.confirm(session, actor, missed[0], missed[1], facts=facts, now=now)
