"""Who is to call which migrant next, and which branches have something to answer."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.clock import business_day
from members.access import primary_affiliation_on
from members.contact import policies
from members.contact.rules import DEFAULT
from members.migrant_models import (
    HostPlacement,
    MigrantContact,
    MigrantRegistration,
    PlacementStatus,
    RegistrationStatus,
)
from members.migrant_rules import Cadence, Due, find_due, last_day_due
from members.models import Affiliation, Member, Organization
from members.office_holders import find_holders
from notifications import outbox
from notifications.outbox import Message
from notifications.stop_conditions import Carried, carried_parameter, carried_rows

Home = aliased(Organization)


def remind_contacts(session: Session, *, now: datetime) -> int:
    """Remind contact persons of touches and talks that are due, once for each due day.

    How often, the district says. Where both are due, the talk is asked for: it is a touch as well.

    Returns:
        How many migrants are due.
    """
    today = business_day(now)
    known = policies.find_all(session)
    # Whom the most frequent cadence finds; each one's own decides.
    closest = Cadence(
        min(one.touch_months for one in (DEFAULT, *known.values())),
        min(one.talk_months for one in (DEFAULT, *known.values())),
    )
    messages = []
    for row in session.execute(_due_by(today, closest)):
        due = _due_of(row[0], policies.cadence_of(known, row.path), today)
        if min(due.touch_on, due.talk_on) <= today:
            messages.append(_reminder(row, due, today))
    outbox.enqueue(session, messages, now=now)
    return len(messages)


def tell_waiting(session: Session, *, now: datetime) -> int:
    """Tell leaders once of each proposal, and of each question to host, that waits for them.

    Returns:
        How many wait.
    """
    today = business_day(now)
    rows = session.execute(sa.union_all(_proposals(today), _questions())).all()
    if not rows:
        return 0
    holders = find_holders(session, {row.branch_id for row in rows}, on=today)
    messages = [
        Message(person, row.kind, str(row.id), _params(row))
        for row in rows
        for person in sorted(holders[row.branch_id].leaders - {row.member_id})
    ]
    outbox.enqueue(session, messages, now=now)
    return len(rows)


def _due_by(today: date, cadence: Cadence) -> sa.Select[*tuple[Any, ...]]:
    """Open registrations with a contact person whose touch or talk is due by today."""
    since = MigrantRegistration.decided_on
    touched = _later_of(since, MigrantRegistration.last_touch_on)
    talked = _later_of(since, MigrantRegistration.last_talk_on)
    return (
        sa.select(MigrantRegistration, MigrantContact.contact_id, Member.name, Home.path)
        .join(Home, Home.id == MigrantRegistration.home_organization_id)
        .join(
            MigrantContact,
            (MigrantContact.registration_id == MigrantRegistration.id)
            & MigrantContact.valid_to.is_(None),
        )
        .join(Member, Member.id == MigrantRegistration.member_id)
        .where(
            MigrantRegistration.status == RegistrationStatus.OPEN,
            sa.or_(
                touched <= last_day_due(today, cadence.touch_months),
                talked <= last_day_due(today, cadence.talk_months),
            ),
        )
        .order_by(MigrantRegistration.id)
    )


def _later_of(since: Any, day: Any) -> sa.ColumnElement[date]:
    return sa.case((day > since, day), else_=since)


def _due_of(registration: MigrantRegistration, cadence: Cadence, today: date) -> Due:
    return find_due(
        registration.decided_on or today,
        last_touch_on=registration.last_touch_on,
        last_talk_on=registration.last_talk_on,
        cadence=cadence,
    )


def _reminder(row: Any, due: Due, today: date) -> Message:
    registration: MigrantRegistration = row[0]
    is_talk = due.talk_on <= today
    on = due.talk_on if is_talk else due.touch_on
    what = "同他谈一次心" if is_talk else "同他联系一次"
    occasion = f"{registration.id}:{'talk' if is_talk else 'touch'}:{on}"
    params = {"name": row.name, "what": what, "due": on.isoformat()}
    return Message(row.contact_id, "migrant_touch_due", occasion, params)


def _proposals(today: date) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            sa.literal("migrant_proposed").label("kind"),
            MigrantRegistration.id,
            MigrantRegistration.member_id,
            Affiliation.organization_id.label("branch_id"),
            Member.name,
            MigrantRegistration.city.label("other"),
        )
        .join(Member, Member.id == MigrantRegistration.member_id)
        .join(Affiliation, primary_affiliation_on(today))
        .where(MigrantRegistration.status == RegistrationStatus.PROPOSED)
    )


def _questions() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            sa.literal("host_asked"),
            HostPlacement.id,
            HostPlacement.migrant_id,
            HostPlacement.organization_id,
            Member.name,
            Home.name,
        )
        .join(Member, Member.id == HostPlacement.migrant_id)
        .join(MigrantRegistration, MigrantRegistration.id == HostPlacement.registration_id)
        .join(Home, Home.id == MigrantRegistration.home_organization_id)
        .where(HostPlacement.status == PlacementStatus.ASKED)
    )


def _params(row: Any) -> dict[str, str]:
    other = "city" if row.kind == "migrant_proposed" else "home"
    return {"name": row.name, other: row.other}


def is_touch_due(session: Session, carried: Sequence[Carried]) -> set[UUID]:
    """Stop condition: which migrants have not been heard from since the day that was named."""
    given = carried_rows(session)
    rows = session.execute(
        sa.select(
            given.c.id,
            given.c.rest,
            MigrantRegistration.last_touch_on,
            MigrantRegistration.last_talk_on,
            MigrantRegistration.decided_on,
            Home.path,
        )
        .join(MigrantRegistration, MigrantRegistration.id == given.c.subject_id)
        .join(Home, Home.id == MigrantRegistration.home_organization_id)
        .where(MigrantRegistration.status == RegistrationStatus.OPEN),
        carried_parameter(session, carried),
    )
    known = policies.find_all(session)
    return {
        row.id
        for row in rows.all()
        if row.rest in _named_days(row, policies.cadence_of(known, row.path))
    }


def _named_days(row: Any, cadence: Cadence) -> set[str]:
    due = find_due(
        row.decided_on,
        last_touch_on=row.last_touch_on,
        last_talk_on=row.last_talk_on,
        cadence=cadence,
    )
    return {f"talk:{due.talk_on}", f"touch:{due.touch_on}"}
