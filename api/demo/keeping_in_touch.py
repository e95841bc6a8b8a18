"""Who is heard from and who is not: dues, scans, a search, a link that is tapped, a suspension."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.demo import cast
from api.demo.district import Branch, District, Person
from api.demo.timeline import Event, months
from core.clock import at_local, business_day
from members.access import Actor
from members.contact import attempts, facts, holds, membership_decisions, own_report_links
from members.contact.case_review_models import ReviewFinding
from members.contact.case_reviews import ReviewFacts
from members.contact.contests import Answer
from members.contact.facts import ContactFact
from members.contact.holds import HoldTerms
from members.contact.membership_rules import DecisionFacts, DecisionGround, DecisionKind
from members.contact.models import CaseState, ContactCase, ContactKind, HoldKind
from members.contact.search_rules import AttemptFacts
from members.contact.search_words import ContactedPerson, Outcome, SearchMethod
from notifications import case_steps, contact_reminders, own_report_messages

# Days before the end of the story from which on nobody hears of somebody. A case opens 95 days
# after his last record, seen when the branch records again, which it does once a month.
SOUGHT_DAYS, BACK_DAYS, HELD_DAYS, SUSPENDED_DAYS = 164, 147, 110, 330
CONTEST_DAYS, LINK_DAYS = 13, 12
# The scan of 105 days ago opens the case that is reviewed.
REVIEWED_DAYS, DECIDED_DAYS = 102, 100
# Nobody has left yet when the story begins; the last weeks are scanned as a job would.
DUES_DAY, SCANS, SCAN_EVERY = 8, 16, timedelta(days=7)
SUSPENDED_BRANCH, HELD_BRANCH = "上川村党支部", "滨河苑社区党支部"


def fall_silent(district: District, *, now: datetime) -> None:
    """Choose the four of whom nothing is heard, before anybody plans anything with them."""
    home = district.branches[cast.HOME_BRANCH]
    today = business_day(now)
    places = (
        (home, 0, SOUGHT_DAYS),
        (home, 1, BACK_DAYS),
        (district.branches[HELD_BRANCH], 0, HELD_DAYS),
        (district.branches[SUSPENDED_BRANCH], 0, SUSPENDED_DAYS),
    )
    for branch, number, days in places:
        from_on = today - timedelta(days=days)
        # From the end of the list: those at its beginning are given roles.
        branch.free(from_on)[-1 - number].silent_from = from_on


def events(
    session: Session, district: District, *, founded_on: date, today: date
) -> Iterator[Event]:
    """Dues each month, scans, and what people did about four silent members."""
    home = district.branches[cast.HOME_BRANCH]
    for month in months(founded_on, today):
        at = at_local(month.replace(day=DUES_DAY), 18)
        yield Event(at, partial(_collect_dues, session, district))
    for number in range(SCANS):
        yield Event(at_local(today - number * SCAN_EVERY, 6), partial(_scan, session))
    sought, back = sorted(_silent(home), key=lambda person: person.silent_from)
    for days_ago, attempt in _SEARCH:
        at = at_local(today - timedelta(days=days_ago), 10)
        yield Event(at, partial(_attempt, session, home.head, sought, attempt))
    at = at_local(today - timedelta(days=CONTEST_DAYS), 10)
    yield Event(at, partial(_contest, session, home.head, back))
    at = at_local(today - timedelta(days=LINK_DAYS), 15)
    yield Event(at, partial(_tap_link, session, home.head, back))
    yield from _decisions(session, district, today)


_SEARCH = (
    (30, (SearchMethod.PHONE_CALL, ContactedPerson.NOBODY, Outcome.NO_ANSWER)),
    (28, (SearchMethod.WECHAT, ContactedPerson.NOBODY, Outcome.NO_ANSWER)),
    (21, (SearchMethod.FAMILY, ContactedPerson.OTHER_RELATIVE, Outcome.RELATIVE_ANSWERED)),
    (14, (SearchMethod.LAST_ADDRESS_VISIT, ContactedPerson.NEIGHBOUR, Outcome.MOVED_AWAY)),
)


def _decisions(session: Session, district: District, today: date) -> Iterator[Event]:
    """One on a posting that is nobody's business; one suspended, a year of search behind it."""
    branch = district.branches[HELD_BRANCH]
    at = at_local(today - timedelta(days=HELD_DAYS - 10), 9)
    yield Event(at, partial(_hold, session, district, branch))
    branch = district.branches[SUSPENDED_BRANCH]
    at = at_local(today - timedelta(days=REVIEWED_DAYS), 9)
    yield Event(at, partial(_review, session, district, branch))
    at = at_local(today - timedelta(days=DECIDED_DAYS), 9)
    yield Event(at, partial(_suspend, session, district, branch))


def _scan(session: Session, now: datetime) -> None:
    contact_reminders.scan_and_tell(session, now=now)


def _silent(branch: Branch) -> list[Person]:
    return [person for person in branch.people if person.silent_from < date.max]


def _collect_dues(session: Session, district: District, now: datetime) -> None:
    """Everybody pays on the same day, but who is not heard from."""
    day = business_day(now)
    paid = [
        _dues(person, branch, day)
        for branch in district.working(day)
        for person in branch.people
        if person.since <= day and not person.is_silent(day)
    ]
    facts.record(session, paid, now=now)


def _dues(person: Person, branch: Branch, day: date) -> ContactFact:
    return ContactFact(
        member_id=person.id,
        kind=ContactKind.DUES_PAID,
        happened_on=day,
        organization_id=branch.id,
        source_id=facts.day_source(person.id, ContactKind.DUES_PAID, day),
        recorded_by=branch.head.id,
    )


def _attempt(
    session: Session,
    caller: Person,
    member: Person,
    done: tuple[SearchMethod, ContactedPerson, Outcome],
    now: datetime,
) -> UUID:
    method, contacted, outcome = done
    attempt = AttemptFacts(method, contacted, outcome, attempted_at=now - timedelta(hours=1))
    case = _open_case(session, member)
    actor = caller.actor(business_day(now))
    made = attempts.record(session, actor, case.id, attempt=attempt, number_id=None, now=now)
    return made.id


def _contest(session: Session, caller: Person, member: Person, now: datetime) -> None:
    """He writes that he is no missing person; without more than his word the case goes on."""
    actor = member.actor(business_day(now))
    note = "一直在外地照顾住院的母亲，没有失联。"
    (contest,) = case_steps.file_contest(session, actor, note=note, now=now)
    reply = Answer(is_upheld=False, text="近五个月没有参加活动和交纳党费的记录，请点开随后的链接。")
    answered_at = now + timedelta(hours=6)
    actor = caller.actor(business_day(now))
    case_id, contest_id = contest.case_id, contest.id
    case_steps.answer_contest(session, actor, case_id, contest_id, reply=reply, now=answered_at)


def _tap_link(session: Session, caller: Person, member: Person, now: datetime) -> None:
    """The secretary sends a link; the member taps it, and the case is over."""
    sent = (SearchMethod.MESSAGE, ContactedPerson.NOBODY, Outcome.AWAITING_REPLY)
    attempt_id = _attempt(session, caller, member, sent, now)
    case = _open_case(session, member)
    actor = caller.actor(business_day(now))
    link = own_report_messages.send(session, actor, case.id, attempt_id, now=now)
    own_report_links.confirm(session, link.token, now=now + timedelta(minutes=20))
    # From now on he comes to the meetings again.
    member.silent_until = business_day(now)


def _hold(session: Session, district: District, branch: Branch, now: datetime) -> None:
    (member,) = _silent(branch)
    on = business_day(now)
    terms = HoldTerms(HoldKind.SECRET_POST, on, on + timedelta(days=180), branch.committee_id)
    officer = _officer(district, branch, on)
    holds.grant(session, officer, member.id, terms=terms, now=now)


def _review(session: Session, district: District, branch: Branch, now: datetime) -> None:
    """The committee looks through the file before anybody decides."""
    (member,) = _silent(branch)
    on = business_day(now)
    review = ReviewFacts(
        "镇党委", on, ReviewFinding.READY, document_number=f"镇党阅〔{on.year}〕6号"
    )
    officer, case = _officer(district, branch, on), _open_case(session, member)
    case_steps.record_review(session, officer, case.id, facts=review, now=now)


def _suspend(session: Session, district: District, branch: Branch, now: datetime) -> None:
    """The general meeting has decided and the committee approved; an officer enters it."""
    (member,) = _silent(branch)
    on = business_day(now)
    decision = DecisionFacts(
        DecisionKind.SUSPENSION,
        DecisionGround.LOST_CONTACT,
        deciding_body=f"{branch.organization.name}党员大会",
        decided_on=on - timedelta(days=7),
        document_number=f"川支〔{on.year}〕3号",
        approving_body="镇党委",
        approved_on=on - timedelta(days=1),
    )
    officer = _officer(district, branch, on)
    membership_decisions.enter(session, officer, member.id, decision=decision, now=now)


def _officer(district: District, branch: Branch, on: date) -> Actor:
    return district.officers[branch.committee_id].actor(on)


def _open_case(session: Session, member: Person) -> ContactCase:
    is_open = (ContactCase.member_id == member.id) & (ContactCase.state == CaseState.OPEN)
    return session.scalars(sa.select(ContactCase).where(is_open).limit(1)).one()
