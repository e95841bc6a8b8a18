"""Points that the demo's officers entered by hand: an appraisal, a veto, a late commendation."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.demo import cast
from api.demo.district import Branch, District, Person
from api.demo.special_meetings import appraised_on
from api.demo.timeline import Event
from core.clock import at_local, business_day
from points import adjustment_decisions, adjustments
from points.adjustments import Given, Terms
from points.publicity_models import Adjustment, AdjustmentStatus

DISCIPLINED_BRANCH = "滨河苑社区党支部"
# Days behind the founding: the document arrives, and the street confirms.
DISCIPLINED, CONFIRMED = 300, 302
# The year before is closed by then.
COMMENDED_MONTH, COMMENDED_DAY, COMMENDED_POINTS = 3, 2, 300
# Himself, his comrades, the organisation; out of ten, in hundredths.
_RATINGS = ((900, 880, 900), (850, 900, 860), (900, 820, 800), (800, 860, 900), (950, 920, 930))


def events(session: Session, district: District, *, founded_on: date) -> Iterator[Event]:
    """One of each, at their days."""
    home = district.branches[cast.HOME_BRANCH]
    appraised = at_local(appraised_on(founded_on) + timedelta(days=1), 9)
    yield Event(appraised, partial(_appraise, session, district, home))
    for days, act in ((DISCIPLINED, _discipline), (CONFIRMED, _confirm)):
        at = at_local(founded_on + timedelta(days=days), 9)
        yield Event(at, partial(act, session, district))
    commended = at_local(date(founded_on.year + 1, COMMENDED_MONTH, COMMENDED_DAY), 9)
    yield Event(commended, partial(_commend_late, session, home, founded_on))


def _appraise(session: Session, district: District, home: Branch, now: datetime) -> None:
    """The branch enters what its meeting found; the street does it for the secretary."""
    day = business_day(now)
    others = [person for person in home.active(day) if person is not home.head]
    street = district.officers[home.committee_id]
    for enterer, people in ((home.head, others), (street, [home.head])):
        terms = Terms("democratic_appraisal", day, f"{day.year - 1}年度民主评议", "组织生活会记录")
        given = [_rated(person, number) for number, person in enumerate(people)]
        adjustments.enter(session, enterer.actor(day), home.id, terms=terms, given=given, now=now)


def _rated(person: Person, number: int) -> Given:
    names = ("自评", "党员互评", "组织评定")
    return Given(person.id, ratings=dict(zip(names, _RATINGS[number % len(_RATINGS)], strict=True)))


def _discipline(session: Session, district: District, now: datetime) -> None:
    """A member was disciplined: entered with the document, told to him, and not yet in force."""
    branch, day = district.branches[DISCIPLINED_BRANCH], business_day(now)
    terms = Terms(
        "disciplined",
        day,
        "受党内严重警告处分",
        "《中国共产党纪律处分条例》，区积分方案一票否决条款",
        f"区纪决〔{day.year}〕17 号",
    )
    member = branch.free(day)[-1]
    actor = branch.head.actor(day)
    adjustments.enter(session, actor, branch.id, terms=terms, given=[Given(member.id)], now=now)


def _confirm(session: Session, district: District, now: datetime) -> None:
    """The street's officer has read the decision; a job posts it when the window is over."""
    branch = district.branches[DISCIPLINED_BRANCH]
    waiting_id = session.scalars(
        sa.select(Adjustment.id).where(
            Adjustment.organization_id == branch.id,
            Adjustment.item_code == "disciplined",
            Adjustment.status == AdjustmentStatus.PENDING,
        )
    ).one()
    officer = district.officers[branch.committee_id].actor(business_day(now))
    adjustment_decisions.confirm(session, officer, waiting_id, now=now)


def _commend_late(session: Session, home: Branch, founded_on: date, now: datetime) -> None:
    """The paper came after the year was closed: it counts in this one, and names the old one."""
    day = date(founded_on.year, 12, 31)
    terms = Terms(
        "commended",
        day,
        f"{day.year}年度街道优秀志愿者",
        "街道党工委表彰决定，文件于次年二月底送达",
        f"杨街党〔{day.year}〕46 号",
    )
    actor = home.head.actor(business_day(now))
    member = home.free(day)[1]
    given = [Given(member.id, points=COMMENDED_POINTS)]
    adjustments.enter(session, actor, home.id, terms=terms, given=given, now=now)
