"""Phones of the demo: an elder who was helped to sign in, and a member with an old phone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from api.demo import cast
from api.demo.district import District
from api.demo.timeline import Event
from core.clock import at_local, business_day
from members import device_sessions, sign_in_tickets
from members.device_sessions import Device, Proven
from members.session_models import SignInMeans
from notifications import account_events

LIFE = timedelta(days=180)
HELPED_DAYS = 14
OLD, NEW = Device("李静的旧手机", "android", "1.0.0"), Device("李静的手机", "android", "1.2.0")


def events(session: Session, district: District, *, today: date) -> Iterator[Event]:
    """The secretary shows an elder a ticket, whose phone scans it."""
    at = at_local(today - timedelta(days=HELPED_DAYS), 15)
    yield Event(at, partial(_help, session, district))


def change_phones(session: Session, district: District, *, now: datetime) -> None:
    """The printed member signs in on a new phone, and signs the old one out from there."""
    member = district.person(cast.MEMBER)
    proven = Proven(member.id, SignInMeans.SMS)
    old, new = (
        device_sessions.open_session(session, proven, device=device, life=LIFE, now=now)
        for device in (OLD, NEW)
    )
    actor = replace(member.actor(business_day(now)), session_id=new.session_id)
    device_sessions.end_own(session, actor, old.session_id, now=now)


def _help(session: Session, district: District, now: datetime) -> None:
    home = district.branches[cast.HOME_BRANCH]
    elder = next(person for person in home.people if person.is_resting)
    actor = home.head.actor(business_day(now))
    ticket = sign_in_tickets.issue(session, actor, elder.id, now=now)
    device = Device(f"{elder.name}的手机", "android", "1.2.0")
    scanned_at = now + timedelta(minutes=2)
    account_events.redeem_ticket(session, ticket.token, device=device, life=LIFE, now=scanned_at)
