"""Meetings of the home branch that come once a year, and how people got onto their lists."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from activities import (
    activity_life,
    calendar,
    check_ins,
    closings,
    expected_lists,
    records,
    roll_calls,
)
from activities.calendar import ActivityPlan
from activities.check_ins import Scan
from activities.life_models import AttendanceStatus
from activities.models import Activity, ActivityKind
from activities.roll_calls import Mark, RollCall
from api.demo import cast
from api.demo.calendar import ROOM
from api.demo.district import Branch, District, Person
from api.demo.timeline import Event
from core.clock import at_local, business_day
from members.access_models import Role

PLANNED_DAYS, HELD_AT, LENGTH = 7, 19, timedelta(minutes=90)
# Days behind the founding.
COMMITTEE, GROUP, STUDY, TRAINING = 62, 96, 124, 190
TRAINED_COUNT = 4


@dataclass(frozen=True, slots=True)
class _Meeting:
    """What is held, by whom and where; empty `invited` means everybody of the place."""

    kind: ActivityKind
    title: str
    leader: Person
    place_id: UUID
    tags: tuple[str, ...] = ()
    invited: tuple[UUID, ...] = ()


def events(session: Session, district: District, *, founded_on: date) -> Iterator[Event]:
    """Each of them on its day, with its list."""
    home = district.branches[cast.HOME_BRANCH]
    for day, plan in (
        (founded_on + timedelta(days=COMMITTEE), _committee),
        (founded_on + timedelta(days=GROUP), _group),
        (founded_on + timedelta(days=TRAINING), _training),
        (appraised_on(founded_on), _appraisal),
    ):
        yield Event(at_local(day, HELD_AT), partial(_hold, session, home, plan))
    studied_at = at_local(founded_on + timedelta(days=STUDY), HELD_AT)
    yield Event(studied_at, partial(_study, session, home))


def appraised_on(founded_on: date) -> date:
    """The day of the organisation life meeting that appraises the year of the founding."""
    return date(founded_on.year + 1, 1, 20)


def _committee(home: Branch, on: date) -> _Meeting:
    invited = [home.head, *([home.deputy] if home.deputy else []), *home.free(on)[:2]]
    ids = tuple(person.id for person in invited)
    return _Meeting(
        ActivityKind.COMMITTEE_MEETING, "支部委员会：研究困难党员帮扶", home.head, home.id, (), ids
    )


def _group(home: Branch, _on: date) -> _Meeting:
    leader, group_id = next(
        (person, held.organization_id)
        for person in home.people
        for held in person.held_roles
        if held.role is Role.GROUP_LEADER
    )
    return _Meeting(ActivityKind.GROUP_MEETING, "党小组会：交流思想", leader, group_id)


def _training(home: Branch, on: date) -> _Meeting:
    ids = tuple(person.id for person in home.free(on)[:TRAINED_COUNT])
    title = "志愿服务骨干培训"
    return _Meeting(ActivityKind.TRAINING, title, home.head, home.id, (), ids)


def _appraisal(home: Branch, on: date) -> _Meeting:
    kind, tags = ActivityKind.ORGANIZATION_LIFE_MEETING, (ActivityKind.DEMOCRATIC_APPRAISAL,)
    title = f"{on.year - 1}年度组织生活会和民主评议党员"
    return _Meeting(kind, title, home.head, home.id, tags)


def _hold(
    session: Session, home: Branch, plan: Callable[[Branch, date], _Meeting], now: datetime
) -> None:
    """Announced a week ahead; everybody came; written down and closed."""
    meeting = plan(home, business_day(now))
    activity = _announce(session, meeting, now)
    silent = {person.id for person in home.people if person.is_silent(business_day(now))}
    away = silent.intersection(expected_lists.find_members(session, activity, now=now))
    marks = [Mark(one, AttendanceStatus.ABSENT_UNEXCUSED) for one in away]
    _close(session, meeting, activity, RollCall(marks, AttendanceStatus.PRESENT), now + LENGTH)


def _study(session: Session, home: Branch, now: datetime) -> None:
    """One types the digits, one scans without signal until the next day; the rest are called."""
    day = business_day(now)
    meeting = _Meeting(
        ActivityKind.FIXED_STUDY_DAY, "固定学习日：学习志愿服务条例", home.head, home.id
    )
    activity = _announce(session, meeting, now)
    code = check_ins.issue_code(session, home.head.actor(day), activity.id, now=now)
    typing, scanning = [person for person in home.free(day) if person.has_phone][:2]
    typed = Scan(activity.id, digits=code.digits)
    check_ins.check_in(session, typing.actor(day), scan=typed, now=now)
    expected = expected_lists.find_members(session, activity, now=now)
    marks = [
        Mark(one, AttendanceStatus.PRESENT)
        for one in expected
        if one not in (typing.id, scanning.id)
    ]
    _close(session, meeting, activity, RollCall(marks), now + LENGTH)
    next_day = now + timedelta(hours=13)
    kept = Scan(activity.id, token=code.token, scanned_at=now)
    check_ins.check_in(session, scanning.actor(business_day(next_day)), scan=kept, now=next_day)


def _announce(session: Session, meeting: _Meeting, starts_at: datetime) -> Activity:
    now = starts_at - timedelta(days=PLANNED_DAYS)
    actor = meeting.leader.actor(business_day(now))
    plan = ActivityPlan(
        meeting.kind,
        meeting.title,
        ROOM,
        starts_at,
        starts_at + LENGTH,
        meeting.tags,
        meeting.invited,
    )
    activity = calendar.schedule(session, actor, meeting.place_id, plan=plan, now=now)
    return activity_life.publish(session, actor, activity.id, now=now)


def _close(
    session: Session, meeting: _Meeting, activity: Activity, roll: RollCall, now: datetime
) -> None:
    actor = meeting.leader.actor(business_day(now))
    roll_calls.call_roll(session, actor, activity.id, roll=roll, now=now)
    texts = (f"{meeting.title}，按会前通知的议题进行。", "")
    records.write(session, actor, activity.id, texts=texts, version=0, now=now)
    closings.close(session, actor, activity.id, presumes_absence=True, now=now)
