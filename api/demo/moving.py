"""Who is away and who moves: migrants whom a host may call, transfers with a letter."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.demo.district import Branch, District, Person
from api.demo.timeline import Event, months
from core.clock import at_local, business_day
from members import consents, migrant_hosts, migrant_touches, migrants, number_disclosures
from members.consent_models import ConsentPurpose
from members.contact.models import ReasonCode
from members.migrant_hosts import Arrival
from members.migrant_models import HostPlacement, MigrantRegistration, RegistrationStatus, TouchKind
from members.migrant_touches import Touch
from members.migrants import Absence, Arrangement
from members.models import Member
from members.privacy_models import NumberKind
from members.transfer_answers import Acceptance
from members.transfers import Letter
from notifications import transfer_steps

MIGRANTS_COUNT = 5
VILLAGE_BRANCH, HOST_BRANCH = "上川村党支部", "云帆大厦联合党支部"
CLASS_DECISION = "支部党员大会决定按流动党员管理"
TOUCH_DAY, TALK_EVERY_MONTHS = 20, 3
CONSENTED_DAYS = 20
CALLED_FOR = "通知下周的主题党日改到晚上"
# Sender, receiver, days before the end of the story, and after how many it was accepted.
_TRANSFERS = (
    ("滨河苑社区党支部", "青石桥社区党支部", 50, 9),
    ("公交公司第三党支部", HOST_BRANCH, 34, None),
)


def send_away(session: Session, district: District, *, now: datetime) -> None:
    """Villagers who work in town: their relation stays at home, a town branch takes them in."""
    on = business_day(now)
    village, host = district.branches[VILLAGE_BRANCH], district.branches[HOST_BRANCH]
    *away, contact = village.candidates(on)[: MIGRANTS_COUNT + 1]
    arrangement = Arrangement(contact.id, host.id, CLASS_DECISION)
    for number, person in enumerate(away):
        card = "2025-018" if number == 0 else ""
        absence = Absence(on, None, "西安市", ReasonCode.WORK_ELSEWHERE, bool(card), card)
        registration = migrants.register(
            session,
            village.head.actor(on),
            person.id,
            absence=absence,
            arrangement=arrangement,
            now=now,
        )
        placement_id = session.scalars(
            sa.select(HostPlacement.id).where(HostPlacement.registration_id == registration.id)
        ).one()
        migrant_hosts.accept(
            session, host.head.actor(on), placement_id, arrival=Arrival(on), now=now
        )


def events(
    session: Session, district: District, *, founded_on: date, today: date
) -> Iterator[Event]:
    """A call a month to one migrant, a talk a quarter; a transfer accepted, one under way."""
    for month in months(founded_on + timedelta(days=28), today):
        at = at_local(month.replace(day=TOUCH_DAY), 20)
        yield Event(at, partial(_touch, session, district))
    at = at_local(today - timedelta(days=CONSENTED_DAYS), 9)
    yield Event(at, partial(_let_host_call, session, district))
    for sender, receiver, days_ago, taking in _TRANSFERS:
        sides = district.branches[sender], district.branches[receiver]
        at = at_local(today - timedelta(days=days_ago), 10)
        yield Event(at, partial(_transfer, session, *sides, taking))


def _touch(session: Session, district: District, now: datetime) -> None:
    village = district.branches[VILLAGE_BRANCH]
    is_open = MigrantRegistration.status == RegistrationStatus.OPEN
    first = session.scalars(
        sa.select(MigrantRegistration).where(is_open).order_by(MigrantRegistration.id).limit(1)
    ).one()
    is_talk = now.month % TALK_EVERY_MONTHS == 0
    touch = Touch(TouchKind.ANSWERED_CALL, business_day(now), is_talk, "在外一切都好")
    actor = village.head.actor(business_day(now))
    migrant_touches.record(session, actor, first.id, touch=touch, now=now)


def _let_host_call(session: Session, district: District, now: datetime) -> None:
    """A migrant agrees that his host sees his number, which the host does, and says what for."""
    on = business_day(now)
    with_phone = (
        sa.select(MigrantRegistration.member_id)
        .join(Member, Member.id == MigrantRegistration.member_id)
        .where(
            MigrantRegistration.status == RegistrationStatus.OPEN,
            Member.phone_sealed.is_not(None),
        )
    )
    away = set(session.scalars(with_phone))
    village, host = district.branches[VILLAGE_BRANCH], district.branches[HOST_BRANCH]
    migrant = next(person for person in village.people if person.id in away)
    purpose = ConsentPurpose.HOST_CONTACT
    text = consents.text_in_force(purpose, on)
    consents.decide(
        session, migrant.actor(on), purpose, text_version=text.version, is_given=True, now=now
    )
    number_disclosures.disclose(
        session, host.head.actor(on), migrant.id, NumberKind.PHONE, purpose=CALLED_FOR, now=now
    )


def _transfer(
    session: Session, sender: Branch, receiver: Branch, taking: int | None, now: datetime
) -> None:
    on = business_day(now)
    moving = sender.free(on)[-2]
    letter = Letter(receiver.id, "", "工作调动", f"{on.month}号", on, on + timedelta(days=60))
    sent = transfer_steps.send(session, sender.head.actor(on), moving.id, letter=letter, now=now)
    if taking is None:
        return
    accepted_at = now + timedelta(days=taking)
    on = business_day(accepted_at)
    transfer_steps.accept(
        session,
        receiver.head.actor(on),
        sent.id,
        acceptance=Acceptance(on),
        now=accepted_at,
    )
    _move(moving, sender, receiver)


def _move(person: Person, sender: Branch, receiver: Branch) -> None:
    sender.people.remove(person)
    person.organization, person.group, person.since = receiver.organization, None, date.max
    receiver.people.append(person)
