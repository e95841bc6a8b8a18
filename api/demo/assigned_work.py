"""Work that the home branch gave to the printed member: one piece done, one overdue."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from api.demo import cast
from api.demo.district import District
from api.demo.timeline import Event
from core.clock import at_local, business_day
from members.contact.assigned_work import WorkAnswer, WorkFacts
from members.contact.assigned_work_models import WorkState
from notifications import assigned_work_steps

# What, how many days before the end of the story, for how many days, and after how many done.
_GIVEN = (
    ("联系三户独居老人", 60, 30, 25),
    ("整理支部荣誉室的旧照片", 40, 25, None),
)


def events(session: Session, district: District, *, today: date) -> Iterator[Event]:
    """The secretary gives two pieces of work, and records that one was done."""
    for title, days_ago, days, done_after in _GIVEN:
        on = today - timedelta(days=days_ago)
        work = WorkFacts(title, on, on + timedelta(days=days), basis="支委会研究")
        yield Event(at_local(on, 10), partial(_assign, session, district, work, done_after))


def _assign(
    session: Session, district: District, facts: WorkFacts, done_after: int | None, now: datetime
) -> None:
    head = district.branches[cast.HOME_BRANCH].head
    member, actor = district.person(cast.MEMBER), head.actor(business_day(now))
    work = assigned_work_steps.assign(session, actor, member.id, facts=facts, now=now)
    if done_after is not None:
        done_at = now + timedelta(days=done_after)
        _record_done(session, district, work.id, done_at)


def _record_done(session: Session, district: District, work_id: UUID, now: datetime) -> None:
    day = business_day(now)
    actor = district.branches[cast.HOME_BRANCH].head.actor(day)
    answer = WorkAnswer(WorkState.DONE, day)
    assigned_work_steps.answer(session, actor, work_id, answer=answer, version=1, now=now)
