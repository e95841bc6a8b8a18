"""The last things before somebody looks: what the five people find on their first screens."""

import random
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import activity_life, calendar, leave_requests
from activities.calendar import ActivityPlan
from activities.leave_requests import LeaveFacts
from activities.models import ActivityKind
from api.demo import cast
from api.demo.district import Branch, District
from api.demo.services import invent_service, report
from core.clock import at_local, business_day
from members import branch_contact
from notifications import inbox
from points import review
from points.models import Claim, ClaimStatus
from points.review import Action, Decision

# No exchange has this area code.
PHONE = "0000-8701{number:04}"
STUDY_IN, ROOM = timedelta(days=3), "支部活动室"
RETURNED_DAYS, REASON = 9, "请写明服务的地点。"


def prepare(session: Session, rng: random.Random, district: District, *, now: datetime) -> None:
    """Branches make their numbers known, a meeting comes up, and a claim has come back."""
    for number, branch in enumerate(district.branches.values(), start=1):
        actor = branch.head.actor(business_day(now))
        phone = PHONE.format(number=number)
        branch_contact.make_known(session, actor, branch.id, phone=phone)
    home = district.branches[cast.HOME_BRANCH]
    _announce_study(session, district, home, now)
    _return_claim(session, rng, district, home, now)
    inbox.deliver(session, now=now)


def _announce_study(session: Session, district: District, home: Branch, now: datetime) -> None:
    on = business_day(now + STUDY_IN)
    times = at_local(on, 19), at_local(on, 20, 30)
    plan = ActivityPlan(ActivityKind.FIXED_STUDY_DAY, "固定学习日：学习党章", ROOM, *times)
    actor = home.head.actor(business_day(now))
    study = calendar.schedule(session, actor, home.id, plan=plan, now=now)
    activity_life.publish(session, actor, study.id, now=now)
    member = district.person(cast.MEMBER).actor(business_day(now))
    leave_requests.request(session, member, study.id, facts=LeaveFacts("official", "出差"), now=now)


def _return_claim(
    session: Session, rng: random.Random, district: District, home: Branch, now: datetime
) -> None:
    on = business_day(now) - timedelta(days=RETURNED_DAYS)
    service = invent_service(rng, home, district.person(cast.MEMBER), on=on)
    report(session, home, service.starting(on, 14).lasting(60, planned_minutes=60))
    newest = (
        sa.select(Claim)
        .where(Claim.member_id == service.person.id, Claim.status == ClaimStatus.PENDING)
        .order_by(Claim.happened_on, Claim.id.desc())
        .limit(1)
    )
    claim = session.scalars(newest).one()
    decision = Decision(claim.id, claim.version, Action.RETURN, REASON)
    review.review(session, home.head.actor(business_day(now)), [decision], now=now)
