"""The demo's pledges: promised, approved, published, kept or excused, and graded by a meeting."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import pledge_evaluations, pledge_reviews, pledges
from activities.pledge_meetings import Grading, Meeting
from activities.pledge_models import Pledge, PledgeBody, PledgeKind
from activities.pledge_reviews import Ruling
from activities.pledge_rules import NewPledge, PledgeWords
from activities.pledge_states import PledgeStatus, PledgeStep
from api.demo import cast
from api.demo.district import Branch, District, Person
from api.demo.timeline import Event
from core.clock import at_local, business_day

# The home branch promises more; what happens to its pledges is told in `promise_changes`.
PROMISING_COUNT, PROMISING_COUNT_AT_HOME = 2, 5
# Behind the founding, in days: the promises of a season, and how they went.
PROMISED, APPROVED, PROGRESSED, REPORTED, GRADED = 20, 27, 60, 110, 120
SECOND_SEASON = 200
_PROMISES = (
    ("service", "每月探访两户独居老人", "全年不少于二十四次", "本片独居老人"),
    ("work", "认领楼道清洁责任区", "每周清洁一次", "本楼居民"),
    ("study", "每季度读一本理论书并交流", "交流四次", ""),
    ("self_discipline", "婚丧喜庆从简", "不收礼、不大办", ""),
    ("service", "教老人使用手机", "办班六次", "本村老年人"),
    ("work", "帮助缺劳力户秋收", "两户", "本村缺劳力户"),
)
_GRADES = ("优", "优", "良", "差")
_NOT_KEPT = "半年只上门一次，未达到承诺的次数。"
_POSTPONED = "道路施工，服务对象搬离，已向群众说明。"


def events(session: Session, district: District, *, founded_on: date) -> Iterator[Event]:
    """Two seasons in every branch; the second one is still being kept today."""
    for season, after in enumerate((0, SECOND_SEASON)):
        for branch in district.working(founded_on + timedelta(days=after)):
            for days, act in (
                (PROMISED, _promise),
                (APPROVED, _approve),
                (PROGRESSED, _tell),
                (REPORTED, _report),
                (GRADED, _grade),
            ):
                at = at_local(founded_on + timedelta(days=after + days), 19)
                yield Event(at, partial(act, session, branch, season))


def _promise(session: Session, branch: Branch, season: int, now: datetime) -> None:
    day = business_day(now)
    is_home = branch.organization.name == cast.HOME_BRANCH
    count = PROMISING_COUNT_AT_HOME if is_home else PROMISING_COUNT
    # Nobody promises the same twice in a year, and both seasons may lie in one.
    promises = _PROMISES[::-1] if season else _PROMISES
    for person, words in zip(branch.free(day)[:count], promises, strict=False):
        category, title, target, beneficiary = words
        due_on = day + timedelta(days=REPORTED - PROMISED + 5)
        text = PledgeWords(category, title, f"{title}，{target}。", target, beneficiary, "", due_on)
        author = person if person.has_phone else branch.head
        new = NewPledge(day.year, PledgeKind.AD_HOC, text)
        pledge_id = pledges.create(session, author.actor(day), person.id, new=new, now=now)
        pledges.submit(session, author.actor(day), pledge_id, now=now)


def _approve(session: Session, branch: Branch, _season: int, now: datetime) -> None:
    actor = branch.head.actor(business_day(now))
    meeting = Meeting(PledgeBody.BRANCH_COMMITTEE, business_day(now), "支委会记录第 6 号")
    waiting = find(session, branch, PledgeStatus.SUBMITTED)
    for pledge in waiting:
        pledge_reviews.approve(
            session, actor, pledge.id, meeting=meeting, version=pledge.version, now=now
        )
    for year in {pledge.year for pledge in waiting}:
        pledge_reviews.publish_approved(session, actor, branch.id, year=year, now=now)


def _tell(session: Session, branch: Branch, _season: int, now: datetime) -> None:
    for pledge in find(session, branch, PledgeStatus.PUBLISHED)[:3]:
        author = author_of(branch, pledge.member_id)
        pledges.note_progress(
            session, author.actor(business_day(now)), pledge.id, note="已完成一半。", now=now
        )


def _report(session: Session, branch: Branch, season: int, now: datetime) -> None:
    """Most have kept it; of the second season only some, and the rest is under way."""
    day = business_day(now)
    kept = _kept(session, branch)
    for pledge in kept[: len(kept) - 1 if season == 0 else 2]:
        author = author_of(branch, pledge.member_id)
        pledges.report_fulfilment(
            session, author.actor(day), pledge.id, note="已按承诺完成。", now=now
        )
    if season == 0 and kept:
        session.expire_all()
        last = kept[-1]
        ruling = Ruling(last.version, _POSTPONED)
        pledge_reviews.decide(
            session,
            branch.head.actor(day),
            last.id,
            step=PledgeStep.EXCUSE,
            ruling=ruling,
            now=now,
        )


def _grade(session: Session, branch: Branch, _season: int, now: datetime) -> None:
    day = business_day(now)
    reported = find(session, branch, PledgeStatus.FULFILMENT_REPORTED)
    gradings = [_grading(pledge, grade) for pledge, grade in zip(reported, _GRADES, strict=False)]
    meeting = Meeting(PledgeBody.GENERAL_MEETING, day, "党员大会记录第 3 号")
    actor = branch.head.actor(day)
    results = pledge_evaluations.evaluate_all(session, actor, gradings, meeting=meeting, now=now)
    refused = [result for result in results if result.refusal is not None]
    if refused:
        raise RuntimeError(f"the demo's own grading was refused: {refused[0]}")


def _grading(pledge: Pledge, grade: str) -> Grading:
    if grade == _GRADES[-1]:
        return Grading(pledge.id, pledge.version, grade, is_fulfilled=False, reason=_NOT_KEPT)
    return Grading(pledge.id, pledge.version, grade, True, "优", "良", grade)


def find(session: Session, branch: Branch, *statuses: PledgeStatus) -> list[Pledge]:
    """A branch's pledges in these statuses, the oldest first."""
    return list(
        session.scalars(
            sa.select(Pledge)
            .where(Pledge.organization_id == branch.id, Pledge.status.in_(statuses))
            .order_by(Pledge.id)
        )
    )


def _kept(session: Session, branch: Branch) -> list[Pledge]:
    return find(session, branch, PledgeStatus.PUBLISHED, PledgeStatus.IN_PROGRESS)


def author_of(branch: Branch, member_id: UUID) -> Person:
    """Who writes for a member: himself, or without a phone the head of his branch."""
    person = next(person for person in branch.people if person.id == member_id)
    return person if person.has_phone else branch.head
