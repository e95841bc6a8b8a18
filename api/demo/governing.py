"""What the demo's officers decided: cadres, a recusal and an undo; what the auditor drew."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial

import yaml
from sqlalchemy.orm import Session

from api.demo import cast
from api.demo.district import District
from api.demo.founding import ROOT
from api.demo.timeline import Event
from core.clock import at_local, business_day
from members import cadres
from members.cadres import Appointment
from points import (
    adjustments,
    audit_samples,
    bulletins,
    queue,
    recusals,
    review_batches,
    schemes,
)
from points.adjustments import Given, Terms
from points.audit_samples import Drawing
from points.models import Subject
from points.review import Action, Decision

CADRE_SCHEME = ROOT / "docs/schemes/chenggu-wudu-2022.yaml"
VILLAGE_BRANCHES = ("上川村党支部", "下川村党支部")
# Days behind the founding.
APPOINTED, STEPPED_BACK, UNDONE, SCORED, SCORES_SHOWN, SAMPLED = 30, 50, 55, 75, 110, 400
SAMPLE_SIZE = 20
MONTHLY_SCORES = {"basic_work": (5600, 5200), "key_work": (3600, 3750)}


def events(session: Session, district: District, *, founded_on: date) -> Iterator[Event]:
    """One of each, at their days."""
    for days, hour, act in (
        (APPOINTED, 9, _appoint),
        (STEPPED_BACK, 9, _step_back),
        (UNDONE, 19, _undo),
        (SCORED, 9, _score),
        (SCORES_SHOWN, 9, _publish_scores),
        (SAMPLED, 10, _draw_sample),
    ):
        at = at_local(founded_on + timedelta(days=days), hour)
        yield Event(at, partial(act, session, district))


def _appoint(session: Session, district: District, now: datetime) -> None:
    """Village cadres are scored by a scheme of their own, apart from their points as members."""
    day = business_day(now)
    data = yaml.safe_load(CADRE_SCHEME.read_text(encoding="utf-8"))
    schemes.publish(
        session,
        district.root.id,
        data,
        effective_from=day,
        published_by=district.admin.id,
        now=now,
    )
    for name in VILLAGE_BRANCHES:
        branch = district.branches[name]
        terms = Appointment(branch.id, "村党支部书记", "镇党发〔2025〕18 号", day)
        cadres.appoint(session, district.admin.actor(day), branch.head.id, terms=terms, now=now)


def _score(session: Session, district: District, now: datetime) -> None:
    """The committee gives each village secretary his marks of the month."""
    day = business_day(now)
    for number, name in enumerate(VILLAGE_BRANCHES):
        branch = district.branches[name]
        officer = district.officers[branch.committee_id]
        for item_code, scores in MONTHLY_SCORES.items():
            terms = Terms(
                item_code, day, f"{day.month}月考核", "镇党委考核记录", subject=Subject.CADRES
            )
            given = [Given(branch.head.id, points=scores[number])]
            adjustments.enter(
                session, officer.actor(day), branch.id, terms=terms, given=given, now=now
            )


def _publish_scores(session: Session, district: District, now: datetime) -> None:
    """The committee publishes them apart from the members' points, for the cadres to object."""
    day = business_day(now)
    scored = day - timedelta(days=SCORES_SHOWN - SCORED)
    for name in VILLAGE_BRANCHES:
        branch = district.branches[name]
        officer = district.officers[branch.committee_id].actor(day)
        month = f"{scored:%Y-%m}"
        bulletins.publish(session, officer, branch.id, month, subject=Subject.CADRES, now=now)


def _step_back(session: Session, district: District, now: datetime) -> None:
    """The secretary does not decide what concerns his brother-in-law."""
    home, day = district.branches[cast.HOME_BRANCH], business_day(now)
    relative = next(person for person in home.people if person.is_resting)
    recusals.for_member(session, home.head.actor(day), relative.id, reason="亲属关系", now=now)


def _undo(session: Session, district: District, now: datetime) -> None:
    """A slip of the thumb: everything approved at once, and taken back three minutes later."""
    home, day = district.branches[cast.HOME_BRANCH], business_day(now)
    actor = home.head.actor(day)
    page = queue.list_waiting(session, actor, home.id, is_flagged=None, after=None, limit=50)
    decisions = [
        Decision(row.Claim.id, row.Claim.version, Action.APPROVE)
        for row in page.items
        if row.Claim.member_id != home.head.id
    ]
    review_id = review_batches.decide(session, actor, decisions, now=now).review_id
    if review_id is not None:
        session.expire_all()
        review_batches.undo(session, actor, review_id, now=now + timedelta(minutes=3))


def _draw_sample(session: Session, district: District, now: datetime) -> None:
    """The auditor looks into twenty entries of last month, by a seed that anybody may use."""
    day = business_day(now)
    last_month = (day.replace(day=1) - timedelta(days=1)).replace(day=1)
    seed = f"{last_month:%Y-%m} 抽查"
    drawing = Drawing(district.root.id, last_month, SAMPLE_SIZE, seed)
    actor = district.person(cast.AUDITOR).actor(day)
    audit_samples.draw(session, actor, drawing=drawing, now=now)
