"""Services that the demo's community offers, with neighbours who report in from their offices."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import (
    correction_answers,
    opportunities,
    service_checks,
    service_confirmation,
    service_corrections,
    service_issuers,
    service_sheets,
    signups,
)
from activities.correction_answers import Answer
from activities.models import VolunteerRecord
from activities.service_checks import Check
from activities.service_confirmation import Line
from activities.service_issuers import Registration
from activities.service_models import IssuerKind, ServiceIssuer, ServiceSignup, SheetKind
from activities.service_sheets import SheetRequest
from activities.signup_rules import OpportunityPlan
from api.demo import cast
from api.demo.district import District, Person
from api.demo.timeline import Event
from core.clock import at_local, business_day
from members import consents
from members.consent_models import ConsentPurpose
from members.models import Affiliation, AffiliationKind

# Days behind the founding on which the community offers a Saturday of service.
OFFERED = (40, 130, 220, 310, 400)
MINUTES = 120
# A day on which it rained.
RAINED = 175


def events(session: Session, district: District, *, founded_on: date) -> Iterator[Event]:
    """Offered, taken up, checked in and out, confirmed; then corrected, and put on a sheet."""
    registering = at_local(founded_on + timedelta(days=OFFERED[0] - 5), 9)
    yield Event(registering, partial(_register, session, district))
    for days in OFFERED:
        at = at_local(founded_on + timedelta(days=days), 9)
        yield Event(at, partial(_hold, session, district))
    asking = at_local(founded_on + timedelta(days=OFFERED[0] + 2), 12)
    yield Event(asking, partial(_correct, session, district))
    raining = at_local(founded_on + timedelta(days=RAINED), 9)
    yield Event(raining, partial(_call_off, session, district))
    printing = at_local(founded_on + timedelta(days=OFFERED[1] + 30), 12)
    yield Event(printing, partial(_print, session, district))


def _register(session: Session, district: District, now: datetime) -> None:
    """The neighbourhood committee may issue certificates; the branch may not."""
    day = business_day(now)
    registration = Registration(
        district.branches[cast.HOME_BRANCH].id,
        IssuerKind.RESIDENTS_COMMITTEE,
        "梧桐里社区居民委员会",
        "民政部令第67号第三条",
        day,
    )
    service_issuers.register(session, district.admin.actor(day), registration=registration, now=now)


def _hold(session: Session, district: District, now: datetime) -> None:
    home, day = district.branches[cast.HOME_BRANCH], business_day(now)
    plan = _plan(session, "社区环境整治日", now + timedelta(hours=26))
    opportunity = opportunities.publish(session, home.head.actor(day), home.id, plan=plan, now=now)
    coming = _coming(session, district, day)
    taken = [_sign_up(session, opportunity.id, person, now) for person in coming]
    came, left = plan.starts_at, plan.ends_at
    after = left + timedelta(minutes=5)
    for person, signup in zip(coming[:-1], taken, strict=False):
        actor = person.actor(business_day(came))
        service_checks.check_in(session, actor, signup.id, check=Check(came), now=came)
        service_checks.check_out(session, actor, signup.id, check=Check(left), now=after)
    # The last one stayed away.
    lines = [*(Line(signup.id, MINUTES) for signup in taken[:-1]), Line(taken[-1].id, 0)]
    session.expire_all()
    host = home.head.actor(business_day(after))
    service_confirmation.confirm(session, host, opportunity.id, lines, now=after)


def _plan(session: Session, title: str, starts_at: datetime) -> OpportunityPlan:
    """Two hours in the name of the neighbourhood committee, which may certify them."""
    ends_at, issuer_id = starts_at + timedelta(minutes=MINUTES), _issuer(session)
    return OpportunityPlan(
        title, "梧桐里社区", "自带手套", starts_at, ends_at, MINUTES, 12, issuer_id, False
    )


def _issuer(session: Session) -> UUID:
    return session.scalars(sa.select(ServiceIssuer.id)).one()


def _call_off(session: Session, district: District, now: datetime) -> None:
    """Everyone who had signed up is told in time."""
    home, day = district.branches[cast.HOME_BRANCH], business_day(now)
    host = home.head.actor(day)
    plan = _plan(session, "河岸清理", now + timedelta(hours=26))
    opportunity = opportunities.publish(session, host, home.id, plan=plan, now=now)
    _sign_up(session, opportunity.id, district.person(cast.MEMBER), now)
    later = now + timedelta(hours=20)
    opportunities.cancel(session, host, opportunity.id, reason="暴雨预警", now=later)


def _sign_up(
    session: Session, opportunity_id: UUID, person: Person, now: datetime
) -> ServiceSignup:
    actor = person.actor(business_day(now))
    return signups.sign_up(session, actor, opportunity_id, person.id, given_word="", now=now)


def _coming(session: Session, district: District, on: date) -> list[Person]:
    """Some of the branch's own, and office members who live here (双报到)."""
    home = district.branches[cast.HOME_BRANCH]
    registered = set(
        session.scalars(
            sa.select(Affiliation.member_id).where(
                Affiliation.organization_id == home.id,
                Affiliation.kind == AffiliationKind.COMMUNITY_REGISTRATION,
            )
        )
    )
    guests = [
        person
        for branch in district.branches.values()
        for person in branch.active(on)
        if person.id in registered and person.has_phone
    ]
    own = [person for person in home.free(on) if person.has_phone]
    return [district.person(cast.MEMBER), *guests[:4], *own[:3]]


def _correct(session: Session, district: District, now: datetime) -> None:
    """The member stayed half an hour longer; the organiser looks it up and says no, with why."""
    home, day = district.branches[cast.HOME_BRANCH], business_day(now)
    member = district.person(cast.MEMBER)
    record = _organised(session, member)
    asked = service_corrections.ask(
        session, member.actor(day), record.id, minutes=MINUTES + 30, grounds="收尾多留了半小时。",
        now=now,
    )  # fmt: skip
    answer = Answer(None, "签退时间为活动结束时，收尾不在本次服务之内。")
    correction_answers.answer(session, home.head.actor(day), asked.id, given=answer, now=now)


def _print(session: Session, district: District, now: datetime) -> None:
    """A record by her branch, and a certificate by the committee that organised."""
    day = business_day(now)
    member = district.person(cast.MEMBER).actor(day)
    for purpose in ConsentPurpose:
        text = consents.text_in_force(purpose, day)
        consents.decide(session, member, purpose, text_version=text.version, is_given=True, now=now)
    first_on = day - timedelta(days=150)
    for kind, issuer_id in (
        (SheetKind.RECORD, None),
        (SheetKind.CERTIFICATE, _issuer(session)),
    ):
        request = SheetRequest(kind, first_on, day, issuer_id)
        service_sheets.issue(session, member, request=request, now=now)


def _organised(session: Session, member: Person) -> VolunteerRecord:
    return session.scalars(
        sa.select(VolunteerRecord)
        .where(
            VolunteerRecord.member_id == member.id,
            VolunteerRecord.title == "社区环境整治日",
        )
        .order_by(VolunteerRecord.id.desc())
        .limit(1)
    ).one()
