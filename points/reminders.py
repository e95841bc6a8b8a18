"""Reminders to those who decide: claims that wait, objections to answer, a year that ends."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from members.access import REVIEWING_ROLES
from members.models import Organization
from members.office_holders import holders_on
from notifications import outbox
from notifications.stop_conditions import Carried, carried_parameter, carried_rows, occasion_of
from points.models import Claim, ClaimStatus, Period, PeriodStatus
from points.objection_routing import DECIDING_ROLES
from points.publicity_models import Objection, ObjectionStatus

OBJECTION_AHEAD = timedelta(days=3)
# Days before the end of a period; each is one reminder.
PERIOD_AHEAD = (14, 3)


def remind_of_claims(session: Session, *, now: datetime) -> int:
    """Tell reviewers once a week how many claims wait and how long; returns how many people.

    One's own claims are somebody else's to decide. While the oldest stays the same, nobody has
    acted: that is what three reminders in vain are counted by. Three statements in all.
    """
    today = business_day(now)
    year, week, _ = today.isocalendar()
    messages = [
        outbox.Message(
            row.member_id,
            "claims_waiting",
            occasion_of(row.id, f"{year}-W{week:02}"),
            {
                "organization": row.name,
                "count": row.waiting,
                "days": (today - business_day(row.oldest)).days,
            },
            topic=f"claims:{row.id}:{business_day(row.oldest)}",
        )
        for row in session.execute(_waiting_claims(today)).all()
    ]
    outbox.enqueue(session, messages, now=now)
    return len(messages)


def remind_of_objections(session: Session, *, now: datetime) -> int:
    """Tell who may answer an objection that its day comes near; returns how many messages."""
    today = business_day(now)
    holder = holders_on(today, DECIDING_ROLES)
    rows = session.execute(
        sa.select(holder.c.member_id, Objection.id, Objection.title, Objection.reply_due_on)
        .join(holder, holder.c.organization_id == Objection.deciding_organization_id)
        .where(
            Objection.status == ObjectionStatus.OPEN,
            Objection.reply_due_on <= today + OBJECTION_AHEAD,
            *(_is_another(holder.c.member_id, one) for one in _BARRED),
        )
        .order_by(Objection.id, holder.c.member_id)
    ).all()
    messages = [
        outbox.Message(
            row.member_id,
            "objection_due",
            occasion_of(row.id, row.reply_due_on),
            {"title": row.title, "due": row.reply_due_on.isoformat()},
        )
        for row in rows
    ]
    outbox.enqueue(session, messages, now=now)
    return len(messages)


def remind_of_period(session: Session, *, now: datetime) -> int:
    """Tell reviewers with claims left that a year ends soon; returns how many messages."""
    today = business_day(now)
    periods = session.scalars(
        sa.select(Period).where(
            Period.status == PeriodStatus.OPEN,
            Period.ends_on.between(today, today + timedelta(days=max(PERIOD_AHEAD))),
        )
    ).all()
    messages = []
    for period in periods:
        stage = min(days for days in PERIOD_AHEAD if (period.ends_on - today).days <= days)
        within = Claim.happened_on.between(period.starts_on, period.ends_on)
        messages += [
            outbox.Message(
                row.member_id,
                "period_ending",
                occasion_of(period.id, row.id, stage),
                {
                    "organization": row.name,
                    "year": period.code,
                    "ends_on": period.ends_on.isoformat(),
                    "count": row.waiting,
                },
            )
            for row in session.execute(_waiting_claims(today).where(within)).all()
        ]
    outbox.enqueue(session, messages, now=now)
    return len(messages)


def is_claim_waiting(session: Session, carried: Sequence[Carried]) -> set[UUID]:
    """Which reminders are of an organisation where a claim of somebody else still waits."""
    given = carried_rows(session)
    waiting = sa.exists().where(
        Claim.reviewer_organization_id == given.c.subject_id,
        Claim.status == ClaimStatus.PENDING,
        Claim.member_id != given.c.member_id,
    )
    return _needed(session, carried, sa.select(given.c.id).where(waiting))


def is_objection_open(session: Session, carried: Sequence[Carried]) -> set[UUID]:
    """Which reminders are of an objection that nobody has answered yet."""
    given = carried_rows(session)
    still = sa.select(given.c.id).join(Objection, Objection.id == given.c.subject_id)
    return _needed(session, carried, still.where(Objection.status == ObjectionStatus.OPEN))


def is_period_open(session: Session, carried: Sequence[Carried]) -> set[UUID]:
    """Which reminders are of a period that still takes decisions."""
    given = carried_rows(session)
    still = sa.select(given.c.id).join(Period, Period.id == given.c.subject_id)
    return _needed(session, carried, still.where(Period.status == PeriodStatus.OPEN))


# Who is concerned, has objected, has approved, or has decided before.
_BARRED = (
    Objection.member_id,
    Objection.objector_id,
    Objection.approved_by,
    Objection.confirmed_by,
    Objection.first_decided_by,
)


def _is_another(
    member_id: sa.ColumnElement[UUID], column: sa.orm.InstrumentedAttribute[UUID | None]
) -> sa.ColumnElement[bool]:
    return column.is_(None) | (column != member_id)


def _waiting_claims(today: date) -> sa.Select[UUID, UUID, str, int, datetime]:
    """Whoever may decide claims, where, how many wait for him there, and since when."""
    holder = holders_on(today, REVIEWING_ROLES)
    return (
        sa.select(
            holder.c.member_id,
            Organization.id,
            Organization.name,
            sa.func.count(Claim.id).label("waiting"),
            sa.func.min(Claim.submitted_at).label("oldest"),
        )
        .join(holder, holder.c.organization_id == Organization.id)
        .join(
            Claim,
            (Claim.reviewer_organization_id == Organization.id)
            & (Claim.member_id != holder.c.member_id)
            & (Claim.status == ClaimStatus.PENDING),
        )
        .group_by(holder.c.member_id, Organization.id, Organization.name)
        .order_by(Organization.id, holder.c.member_id)
    )


def _needed(session: Session, carried: Sequence[Carried], still: sa.Select[UUID]) -> set[UUID]:
    return set(session.scalars(still, carried_parameter(session, carried)))
