"""Fourteen months of a district's life, event by event, up to a desk full of work."""

import random
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.demo import (
    assigned_work,
    calendar,
    cast,
    governing,
    keeping_in_touch,
    manual_points,
    meetings,
    moving,
    phones,
    promise_changes,
    promises,
    publicity,
    scheme_work,
    shared_services,
    speaking_up,
    special_meetings,
    timeline,
    years,
)
from api.demo.deciding import correct_some, decide_all
from api.demo.district import Branch, District
from api.demo.services import Service, invent_service, report
from api.demo.timeline import Event
from core.clock import at_local, business_day
from points import ledger
from points.models import Claim, LedgerEntry

# A month of reports, then one sitting in each branch.
ROUNDS, ROUND_DAYS = 15, 28
# The last days are not decided yet: what a newcomer finds waiting.
WAITING_DAYS = 10
SHARE_PER_ROUND = 0.08
OVER_PLAN_SHARE = 0.04
# Their stories are told apart.
_NAMED = frozenset({cast.MEMBER.name, cast.SECRETARY.name})
REVERSED_REASON = "与另一条记录重复，当事人已确认。"


def founded_on(today: date) -> date:
    """The first day of the story."""
    return today - timedelta(days=WAITING_DAYS + ROUNDS * ROUND_DAYS)


def tell(session: Session, rng: random.Random, district: District, *, now: datetime) -> None:
    """Live through the past, then leave the last days undecided."""
    founded = founded_on(business_day(now))
    events = [
        *_rounds(session, rng, district, founded),
        *meetings.events(session, rng, district, founded_on=founded),
        *promises.events(session, district, founded_on=founded),
        *shared_services.events(session, district, founded_on=founded),
        *publicity.events(session, district, founded_on=founded),
        *special_meetings.events(session, district, founded_on=founded),
        *manual_points.events(session, district, founded_on=founded),
        *scheme_work.events(session, district, founded_on=founded),
        *promise_changes.events(session, district, founded_on=founded),
        *governing.events(session, district, founded_on=founded),
        *keeping_in_touch.events(session, district, founded_on=founded, today=business_day(now)),
        *moving.events(session, district, founded_on=founded, today=business_day(now)),
        *assigned_work.events(session, district, today=business_day(now)),
        *speaking_up.events(session, district, today=business_day(now)),
        *phones.events(session, district, today=business_day(now)),
        *years.events(session, district, founded_on=founded),
    ]
    timeline.live(session, events, until=now)
    _leave_waiting(session, rng, district, today=business_day(now))


def _rounds(
    session: Session, rng: random.Random, district: District, founded: date
) -> Iterator[Event]:
    """Four weeks of reports, then decisions; what was returned is put right in the next."""
    people = {p.id: p for branch in district.branches.values() for p in branch.people}
    returned: list[Claim] = []

    def decide(at: datetime) -> None:
        returned[:] = decide_all(session, rng, district, now=at)

    for number in range(ROUNDS):
        day = founded + timedelta(days=number * ROUND_DAYS)
        yield Event(
            at_local(day, 8), lambda at: correct_some(session, rng, people, returned, now=at)
        )
        for branch, service in _services_of(rng, district, day, number):
            yield Event(service.reported_at, partial(_report, session, branch, service))
        yield Event(at_local(day + timedelta(days=ROUND_DAYS - 1), 20), decide)
    reversing_on = founded + timedelta(days=ROUNDS * ROUND_DAYS)
    yield Event(at_local(reversing_on, 9), partial(_reverse_one, session, district))


def _services_of(
    rng: random.Random, district: District, first_day: date, number: int
) -> list[tuple[Branch, Service]]:
    """What everybody did in a round but for its last two days; nobody twice."""
    services = []
    for branch in district.working(first_day):
        active = branch.helpers(first_day)
        # A part of each branch does the work, as everywhere.
        busy = active[: max(3, len(active) * 2 // 3)]
        chosen = rng.sample(busy, max(1, round(len(active) * SHARE_PER_ROUND)))
        for person in chosen:
            if person.name in _NAMED:
                continue
            on = first_day + timedelta(days=rng.randrange(ROUND_DAYS - 2))
            service = invent_service(rng, branch, person, on=on)
            if rng.random() < OVER_PLAN_SHARE:
                planned = service.facts.planned_minutes
                service = service.lasting(planned + 60, planned_minutes=planned)
            services.append((branch, service))
    return services + list(_of_the_named(rng, district, first_day, number))


def _of_the_named(
    rng: random.Random, district: District, first_day: date, number: int
) -> Iterable[tuple[Branch, Service]]:
    """The member and the secretary of the printed list: a history that shows each case."""
    home = district.branches[cast.HOME_BRANCH]
    member, secretary = district.person(cast.MEMBER), district.person(cast.SECRETARY)
    on = first_day + timedelta(days=3)
    service = invent_service(rng, home, member, on=on).starting(on, 9)
    if number == ROUNDS - 1:
        yield home, service.lasting(180, planned_minutes=120)
    elif number == ROUNDS - 2:
        # Nine and a half hours in a day: flagged, and granted up to the cap of the day.
        long_day = invent_service(rng, home, home.free(on)[-1], on=on)
        yield home, long_day.starting(on, 7).lasting(570, planned_minutes=570)
    elif number % 2 == 1:
        yield home, service.lasting(90, planned_minutes=90)
    if number % 3 == 0:
        yield home, invent_service(rng, home, secretary, on=on).starting(on, 14)


def _report(session: Session, branch: Branch, service: Service, _now: datetime) -> None:
    report(session, branch, service)


def _report_all(session: Session, services: Iterable[tuple[Branch, Service]]) -> None:
    for branch, service in sorted(services, key=lambda pair: pair[1].reported_at):
        report(session, branch, service)


def _reverse_one(session: Session, district: District, now: datetime) -> None:
    """The secretary takes back a wrong approval of the last round."""
    home = district.branches[cast.HOME_BRANCH]
    entry = session.scalars(
        sa.select(LedgerEntry)
        .where(
            LedgerEntry.organization_id == home.id,
            LedgerEntry.actor_id == home.head.id,
            LedgerEntry.points > 0,
        )
        .order_by(LedgerEntry.seq.desc())
        .limit(1)
    ).one()
    actor = home.head.actor(business_day(now))
    ledger.reverse(session, actor, entry.id, reason=REVERSED_REASON, now=now)


def _leave_waiting(
    session: Session, rng: random.Random, district: District, *, today: date
) -> None:
    home = district.branches[cast.HOME_BRANCH]
    meeting_on = today - timedelta(days=4)
    planned_at = at_local(today - timedelta(days=WAITING_DAYS), 10)
    calendar.add_meeting(session, home, on=meeting_on, planned_at=planned_at)
    waiting = [(home, service) for service in _home_waiting(rng, district, today)]
    for branch in district.branches.values():
        if branch is not home:
            for person in rng.sample(branch.helpers(today), 2):
                on = today - timedelta(days=rng.randint(2, WAITING_DAYS - 1))
                waiting.append((branch, invent_service(rng, branch, person, on=on)))
    _report_all(session, waiting)


def _home_waiting(rng: random.Random, district: District, today: date) -> Iterable[Service]:
    """Eight clean claims, three flagged ones, and the secretary's own, which goes up."""
    home = district.branches[cast.HOME_BRANCH]
    named = [district.person(cast.MEMBER), district.person(cast.SECRETARY)]
    others = [person for person in home.free(today) if person.has_phone]
    for number, person in enumerate([*named, *others[:7]]):
        on = today - timedelta(days=1 + number)
        service = invent_service(rng, home, person, on=on)
        yield service.starting(on, 9).lasting(120, planned_minutes=120)
    # Longer than planned, during the committee's meeting, and more than eight hours.
    for person, days_ago, hour, minutes, planned_minutes in zip(
        others[7:10], (3, 4, 5), (9, 14, 8), (240, 120, 540), (120, 120, 540), strict=True
    ):
        on = today - timedelta(days=days_ago)
        service = invent_service(rng, home, person, on=on)
        yield service.starting(on, hour).lasting(minutes, planned_minutes=planned_minutes)
