"""The demo's monthly bulletins, what was contested in them, and a deduction that waited."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.demo import cast
from api.demo.district import Branch, District, Person
from api.demo.timeline import Event, months, next_month
from core.clock import at_local, business_day
from points import (
    adjustment_posting,
    adjustments,
    bulletins,
    objection_decisions,
    objections,
)
from points.adjustments import Given, Terms
from points.bulletins import NothingToPublish
from points.models import LedgerEntry
from points.objection_decisions import Verdict
from points.publicity_models import Bulletin, BulletinEntry, Objection, ObjectionStatus

PUBLISHING_DAY, OBJECTING_DAY, ANSWERING_DAY, DEDUCTING_DAY = 3, 5, 6, 13
APPEALING_DAY, APPEAL_ANSWERING_DAY = 7, 10
CONTESTED = ("服务时长与签到表不一致，请核对。", "这次服务我没有看到他参加。")
REPLIES = (
    (Verdict.UPHELD, "经核对，该次服务由他人代签，已更正。"),
    (Verdict.REJECTED, "经核对签到表和组织者说明，情况属实。"),
)


def events(session: Session, district: District, *, founded_on: date) -> Iterator[Event]:
    """Every month each branch publishes; in the home branch two bulletins are contested."""
    home = district.branches[cast.HOME_BRANCH]
    for number, month in enumerate(months(founded_on, founded_on + timedelta(days=440))):
        after = next_month(month)
        at = at_local(after.replace(day=PUBLISHING_DAY), 10)
        for branch in district.working(month):
            yield Event(at, partial(_publish, session, branch, month))
        if number in (2, 6):
            case = number // 6
            at = at_local(after.replace(day=OBJECTING_DAY), 20)
            yield Event(at, partial(_contest, session, district, home, case))
            at = at_local(after.replace(day=ANSWERING_DAY), 15)
            yield Event(at, partial(_answer, session, district, case))
        if number == 6:
            at = at_local(after.replace(day=APPEALING_DAY), 20)
            yield Event(at, partial(_appeal, session, district))
            at = at_local(after.replace(day=APPEAL_ANSWERING_DAY), 15)
            yield Event(at, partial(_answer, session, district, 1))
        if number == 4:
            at = at_local(after.replace(day=DEDUCTING_DAY), 9)
            yield Event(at, partial(_deduct, session, home))
        for day in (12, 20, 27):
            at = at_local(after.replace(day=day), 9)
            yield Event(at, partial(_let_jobs_run, session))


def _publish(session: Session, branch: Branch, month: date, now: datetime) -> None:
    actor = branch.head.actor(business_day(now))
    try:
        bulletins.publish(session, actor, branch.id, f"{month:%Y-%m}", now=now)
    except NothingToPublish:
        return


def _contest(
    session: Session, district: District, home: Branch, number: int, now: datetime
) -> None:
    """A member of the branch contests somebody else's entry in the open bulletin."""
    objector = district.person(cast.MEMBER)
    entry_id = session.scalar(
        sa.select(BulletinEntry.entry_id)
        .join(Bulletin, Bulletin.id == BulletinEntry.bulletin_id)
        .join(LedgerEntry, LedgerEntry.id == BulletinEntry.entry_id)
        .where(
            Bulletin.organization_id == home.id,
            Bulletin.status == "open",
            LedgerEntry.claim_id.is_not(None),
            LedgerEntry.points > 0,
            LedgerEntry.member_id.not_in((objector.id, home.head.id)),
        )
        .order_by(BulletinEntry.position)
        .limit(1)
    )
    if entry_id is not None:
        actor = objector.actor(business_day(now))
        objections.file_on_entry(session, actor, entry_id, reason=CONTESTED[number], now=now)


def _appeal(session: Session, district: District, now: datetime) -> None:
    """The member is not content, and the body above looks at it once more."""
    rejected_id = session.scalars(
        sa.select(Objection.id).where(Objection.status == ObjectionStatus.REJECTED)
    ).one()
    actor = district.person(cast.MEMBER).actor(business_day(now))
    objections.appeal(session, actor, rejected_id, reason="签到表上没有组织者签名。", now=now)


def _answer(session: Session, district: District, number: int, now: datetime) -> None:
    """Whoever the objection was addressed to and has no part in it answers in writing."""
    waiting = session.scalars(
        sa.select(Objection).where(Objection.status == ObjectionStatus.OPEN)
    ).all()
    for objection in waiting:
        verdict, reply = REPLIES[number]
        decider = _decider(district, objection)
        actor = decider.actor(business_day(now))
        objection_decisions.decide(
            session, actor, objection.id, verdict=verdict, reply=reply, now=now
        )


def _decider(district: District, objection: Objection) -> Person:
    body_id = objection.deciding_organization_id
    people = [district.admin, *district.officers.values()]
    for branch in district.branches.values():
        people += [one for one in (branch.deputy, branch.secretary) if one is not None]
    concerned = {
        objection.member_id,
        objection.objector_id,
        objection.approved_by,
        objection.first_decided_by,
    }
    return next(
        person
        for person in people
        if person.id not in concerned
        and any(held.organization_id == body_id for held in person.held_roles)
    )


def _deduct(session: Session, home: Branch, now: datetime) -> None:
    """Dues are more than three months late: the secretary enters it, and the member is told."""
    member = home.free(business_day(now))[5]
    terms = Terms(
        "dues_late", business_day(now), "党费逾期三个月", "区积分方案第七条，党费收缴登记簿"
    )
    actor = home.head.actor(business_day(now))
    adjustments.enter(session, actor, home.id, terms=terms, given=[Given(member.id)], now=now)


def _let_jobs_run(session: Session, now: datetime) -> None:
    """What the jobs process does by itself: deductions and bulletins whose days are over."""
    while adjustment_posting.post_ripe(session, now=now):
        pass
    while bulletins.close_ripe(session, now=now):
        pass
