"""Sealing the statements of a period: who is due one, and writing them chunk by chunk."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.ids import new_id
from core.rows import Upsert, dialect_of, ordered_insert, row_source, rows_parameter
from members.models import Affiliation, AffiliationKind, Organization
from points import schemes, scores
from points.models import LedgerEntry, Period, Subject
from points.schemes import SchemeInForce
from points.statement_models import PeriodStatement
from points.statement_texts import Facts, Row, compose, digest_of, read

CHUNK = 500


def count_due(session: Session, period: Period) -> int:
    """How many statements the period gets."""
    return sum(_count(session, _due(period, subject)) for subject in Subject)


def count_missing(session: Session, period: Period) -> int:
    """How many of them are not written yet."""
    return sum(_count(session, _missing(period, subject)) for subject in Subject)


def seal_some(session: Session, period: Period, *, now: datetime) -> int:
    """Write the next statements, CHUNK at most, in a constant number of statements.

    Returns:
        How many; 0 when nobody's is missing.
    """
    for subject in Subject:
        missing = _missing(period, subject)
        member_ids = session.scalars(missing.order_by("member_id").limit(CHUNK)).all()
        if member_ids:
            rows = _compose_all(session, period, subject, member_ids)
            for row in rows:
                row["sealed_at"] = now
            session.execute(_storing(dialect_of(session)), rows_parameter(session, rows))
            return len(rows)
    return 0


def _due(period: Period, subject: Subject) -> sa.Select[UUID]:
    """Whoever belonged to an organisation in the period, and whoever has an entry in it."""
    ids = sa.select(LedgerEntry.member_id).where(
        LedgerEntry.period_id == period.id, LedgerEntry.subject == subject
    )
    if subject is Subject.PARTY_MEMBERS:
        belonging = sa.select(Affiliation.member_id).where(
            Affiliation.kind == AffiliationKind.PRIMARY,
            Affiliation.valid_from <= period.ends_on,
            sa.or_(Affiliation.valid_to.is_(None), Affiliation.valid_to > period.starts_on),
        )
        due = sa.union(ids, belonging).subquery("due")
    else:
        due = ids.distinct().subquery("due")
    return sa.select(due.c.member_id)


def _missing(period: Period, subject: Subject) -> sa.Select[UUID]:
    due = _due(period, subject).subquery("missing")
    written = sa.exists().where(
        PeriodStatement.period_id == period.id,
        PeriodStatement.subject == subject,
        PeriodStatement.member_id == due.c.member_id,
    )
    return sa.select(due.c.member_id).where(~written)


def _count(session: Session, query: sa.Select[UUID]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0


def _compose_all(
    session: Session, period: Period, subject: Subject, member_ids: Sequence[UUID]
) -> list[dict[str, Any]]:
    given = row_source(dialect_of(session), {"id": LedgerEntry.__table__.c.member_id.type})
    parameter = rows_parameter(session, [{"id": member_id} for member_id in member_ids])
    entries: dict[UUID, list[Row]] = {}
    query = entries_of(period.id, subject).join(given, given.c.id == LedgerEntry.member_id)
    for row in session.execute(query, parameter):
        entries.setdefault(row.member_id, []).append(row)
    homes = _find_homes(session, period, given, parameter)
    published = schemes.load_published(session)
    exempting = scores.find_exempting(session, member_ids, on=period.ends_on)
    rows = []
    for member_id in member_ids:
        mine = entries.get(member_id, [])
        organization_id, path = homes.get(member_id) or (mine[-1].organization_id, mine[-1].path)
        scheme = schemes.choose(published, path, period.ends_on, subject=subject)
        exempt_by = exempting.get(member_id, set())
        facts = Facts(
            period=period.code,
            subject=subject,
            member_id=str(member_id),
            organization_id=str(organization_id),
            scheme_version_id=str(scheme.id) if scheme else None,
            is_exempt=scheme is not None and bool(exempt_by & scheme.definition.exempt),
            member_class=scores.class_of(exempt_by),
        )
        rows.append(_row(period, facts, scheme, mine))
    return rows


def _row(
    period: Period, facts: Facts, scheme: SchemeInForce | None, entries: Sequence[Row]
) -> dict[str, Any]:
    content = compose(facts, scheme.definition if scheme else None, entries)
    said = read(content)
    return {
        "id": new_id(),
        "period_id": period.id,
        "subject": facts.subject,
        "member_id": UUID(facts.member_id),
        "organization_id": UUID(facts.organization_id),
        "scheme_version_id": scheme.id if scheme else None,
        "total": said.total if said else None,
        "content": content,
        "sha256": digest_of(content),
    }


def entries_of(period_id: UUID, subject: str) -> sa.Select[*tuple[Any, ...]]:
    """Entries of a period and subject as `statement_texts.compose` takes them."""
    return (
        sa.select(
            LedgerEntry.component_code,
            LedgerEntry.points,
            scores.entry_month().label("month"),
            scores.is_late().label("is_late"),
            sa.case((LedgerEntry.reverses_id.is_(None), 1), else_=-1).label("sign"),
            LedgerEntry.seq,
            LedgerEntry.member_id,
            LedgerEntry.organization_id,
            Organization.path,
        )
        .join(Organization, Organization.id == LedgerEntry.organization_id)
        .where(LedgerEntry.period_id == period_id, LedgerEntry.subject == subject)
        .order_by(LedgerEntry.seq)
    )


def _find_homes(
    session: Session, period: Period, given: sa.Subquery, parameter: dict[str, str]
) -> dict[UUID, tuple[UUID, str]]:
    """Where each belonged on the last day, or last before it."""
    rows = session.execute(
        sa.select(Affiliation.member_id, Affiliation.organization_id, Organization.path)
        .join(given, given.c.id == Affiliation.member_id)
        .join(Organization, Organization.id == Affiliation.organization_id)
        .where(
            Affiliation.kind == AffiliationKind.PRIMARY, Affiliation.valid_from <= period.ends_on
        )
        .order_by(Affiliation.valid_from),
        parameter,
    )
    return {row[0]: (row[1], row[2]) for row in rows}


@cache
def _storing(dialect: str) -> Upsert:
    names = (
        "id", "period_id", "subject", "member_id", "organization_id", "scheme_version_id", "total",
        "content", "sha256", "sealed_at",
    )  # fmt: skip
    # A close that was killed may have been taken over: what is written once stays.
    return ordered_insert(dialect, PeriodStatement, names).on_conflict_do_nothing()
