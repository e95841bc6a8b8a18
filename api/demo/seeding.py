"""Writing the demo district into an empty database, in the caller's transaction."""

import random
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.demo import calendar, cast, first_screens, keeping_in_touch, phones, standing, story
from api.demo.founding import found
from api.demo.staffing import appoint_all, name_delegate, open_accounts
from core.clock import at_local, business_day
from members import people
from members.access_models import Account
from members.models import Member, Organization

SEED = 2026


def seed(session: Session, *, now: datetime) -> bool:
    """Build the district if the database holds nothing; False, and no change, if it does.

    Everything goes through the services that requests use, with instants of the past, so it
    obeys every rule. The same `now` gives the same people and the same story.
    """
    if not is_empty(session):
        return False
    rng = random.Random(SEED)  # noqa: S311 - invented people, no secrets
    founded_at = at_local(story.founded_on(business_day(now)), 0)
    district = found(session, rng, founded_at=founded_at, now=now)
    appoint_all(session, district, founded_at=founded_at)
    standing.settle(session, rng, district, founded_at=founded_at, now=now)
    keeping_in_touch.fall_silent(district, now=now)
    calendar.fill(session, district, founded_at=founded_at, now=now)
    story.tell(session, rng, district, now=now)
    name_delegate(session, district, now=now - timedelta(days=5))
    open_accounts(session, district, now=now)
    phones.change_phones(session, district, now=now)
    first_screens.prepare(session, rng, district, now=now)
    return True


def is_empty(session: Session) -> bool:
    """Whether nobody has put anything in yet."""
    return not any(
        session.scalar(sa.select(sa.exists(sa.select(table))))
        for table in (Organization, Member, Account)
    )


def is_seeded(session: Session) -> bool:
    """Whether this is the demo district, so that its printed accounts exist."""
    account = cast.MEMBER
    return bool(people.find_from_console(session, phone=account.phone, name=account.name))
