"""Classes, exemptions and second homes of some members: the cases that rules are about."""

import random
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from api.demo import cast, moving
from api.demo.district import District, Person
from core.clock import business_day
from members import affiliations, classifications, exemptions
from members.affiliations import Guest
from members.exemptions import ExemptionTerms
from members.models import AffiliationKind, ExemptionKind, MemberClass

REPORTERS_COUNT = 6
EXEMPT_SINCE_DAYS = 100
OFFICE_BRANCH = "区水务局机关党支部"


def settle(
    session: Session, rng: random.Random, district: District, *, founded_at: datetime, now: datetime
) -> None:
    """Give the district its special cases, as its administrator would have recorded them."""
    # An exemption lasts a year at most: these are of some months ago, and still in force.
    exempted_at = now - timedelta(days=EXEMPT_SINCE_DAYS)
    for branch in district.branches.values():
        for person in branch.people:
            if person.is_resting:
                _classify(session, district, person, MemberClass.AGED_OR_FRAIL, founded_at)
            elif person is branch.secretary:
                _classify(session, district, person, MemberClass.POST_HOLDER, founded_at)
        resting = [person for person in branch.people if person.is_resting]
        for person in rng.sample(resting, len(resting) // 3):
            _exempt(session, district, person, ExemptionKind.AGED, exempted_at)
    on_care_leave = district.branches[cast.HOME_BRANCH].candidates(business_day(founded_at))[-1]
    on_care_leave.is_resting = True
    _exempt(session, district, on_care_leave, ExemptionKind.LONG_TERM_CARE, exempted_at)
    moving.send_away(session, district, now=founded_at)
    _report_in(session, district, founded_at)


def _classify(
    session: Session, district: District, person: Person, member_class: MemberClass, now: datetime
) -> None:
    on = business_day(now)
    classifications.classify(
        session, district.admin.actor(on), person.id, member_class=member_class, on=on, now=now
    )


def _exempt(
    session: Session, district: District, person: Person, kind: ExemptionKind, now: datetime
) -> None:
    on = business_day(now)
    terms = ExemptionTerms(kind, on, on + timedelta(days=365), person.organization.id)
    exemptions.grant(session, district.admin.actor(on), person.id, terms=terms, now=now)


def _report_in(session: Session, district: District, now: datetime) -> None:
    """Office members who report to the community where they live (双报到)."""
    on = business_day(now)
    home = district.branches[cast.HOME_BRANCH]
    for person in district.branches[OFFICE_BRANCH].candidates(on)[:REPORTERS_COUNT]:
        guest = Guest(AffiliationKind.COMMUNITY_REGISTRATION, home.id, on, None, "在职党员报到")
        affiliations.add_guest(session, district.admin.actor(on), person.id, guest=guest, now=now)
