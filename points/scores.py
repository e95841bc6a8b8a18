"""Scores of many members at once: who they are, what they were awarded, who is exempt."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.business_month import business_month
from core.rows import dialect_of, row_source, rows_parameter
from members.models import (
    Affiliation,
    AffiliationKind,
    Exemption,
    MemberClass,
    MemberClassification,
    Organization,
)
from points import schemes, scoring
from points.models import LedgerEntry, Period
from points.schemes import SchemeInForce
from points.scoring import Score, Tally


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a member stood on a day: his organisation, its scheme, his class, an exemption.

    Args:
        member_class: empty for an ordinary member.
    """

    organization_id: UUID
    path: str
    scheme: SchemeInForce | None
    is_exempt: bool
    member_class: str


def load_scores(
    session: Session, member_ids: Collection[UUID], *, year: int, on: date, subject: str
) -> dict[UUID, Score]:
    """The scores of members for a year, in a constant number of statements.

    Args:
        on: the day whose affiliation, scheme and exemptions count; spans that begin later do
            not count yet.

    Returns:
        member -> score; a member whose organisation no scheme covers is left out.
    """
    standings = find_standings(session, member_ids, on=on, subject=subject)
    tallies = find_tallies(session, member_ids, year=year, subject=subject)
    return {
        member_id: scoring.score(
            standing.scheme.definition,
            tallies.get(member_id, ()),
            year=year,
            through=on,
            is_exempt=standing.is_exempt,
            member_class=standing.member_class,
        )
        for member_id, standing in standings.items()
        if standing.scheme is not None
    }


def find_standings(
    session: Session, member_ids: Collection[UUID], *, on: date, subject: str
) -> dict[UUID, Standing]:
    """Where members stood on a day; four statements."""
    published = schemes.load_published(session)
    given, parameter = _given(session), _parameter(session, member_ids)
    places = session.execute(
        sa.select(Affiliation.member_id, Organization.id, Organization.path)
        .join(Organization, Organization.id == Affiliation.organization_id)
        .join(given, given.c.id == Affiliation.member_id)
        .where(Affiliation.kind == AffiliationKind.PRIMARY, _covers(Affiliation, on)),
        parameter,
    ).all()
    reasons = find_exempting(session, member_ids, on=on)
    standings = {}
    for member_id, organization_id, path in places:
        scheme = schemes.choose(published, path, on, subject=subject)
        mine = reasons.get(member_id, set())
        is_exempt = scheme is not None and bool(mine & scheme.definition.exempt)
        standings[member_id] = Standing(organization_id, path, scheme, is_exempt, class_of(mine))
    return standings


def find_tallies(
    session: Session, member_ids: Collection[UUID], *, year: int, subject: str
) -> dict[UUID, Sequence[Tally]]:
    """What members' entries of a year come to, by component and month; one statement."""
    given = _given(session)
    rows = session.execute(
        sa.select(LedgerEntry.member_id, *tally_columns())
        .join(given, given.c.id == LedgerEntry.member_id)
        .join(Period, Period.id == LedgerEntry.period_id)
        .where(Period.code == str(year), LedgerEntry.subject == subject)
        .group_by(LedgerEntry.member_id, LedgerEntry.component_code, entry_month(), is_late()),
        _parameter(session, member_ids),
    )
    tallies: dict[UUID, list[Tally]] = defaultdict(list)
    for member_id, code, month, points, count, late in rows:
        tally = Tally(code, int(month), int(points), int(count), bool(late))
        tallies[member_id].append(tally)
    return dict(tallies)


def find_exempting(
    session: Session, member_ids: Collection[UUID], *, on: date
) -> dict[UUID, set[str]]:
    """Member -> what a scheme may exempt him by that day: exemptions and his class."""
    given, reasons = _given(session), defaultdict[UUID, set[str]](set)
    words = sa.union_all(
        sa.select(Exemption.member_id, Exemption.kind).where(_covers(Exemption, on)),
        sa.select(MemberClassification.member_id, MemberClassification.member_class).where(
            _covers(MemberClassification, on)
        ),
    ).subquery("words")
    rows = session.execute(
        sa.select(words.c.member_id, words.c.kind).join(given, given.c.id == words.c.member_id),
        _parameter(session, member_ids),
    )
    for member_id, reason in rows:
        reasons[member_id].add(reason)
    return dict(reasons)


def class_of(reasons: Collection[str]) -> str:
    """The class among a member's reasons, empty for an ordinary member."""
    return next((one for one in MemberClass if one in reasons), "")


def find_classes(
    session: Session, asked: Collection[tuple[UUID, date]]
) -> dict[tuple[UUID, date], str]:
    """A member and a day -> his class then; who is ordinary is not among them. One statement."""
    table = MemberClassification.__table__.c
    columns = {"member_id": table.member_id.type, "on_day": table.valid_from.type}
    given = row_source(dialect_of(session), columns)
    rows = session.execute(
        sa.select(given.c.member_id, given.c.on_day, MemberClassification.member_class).join(
            MemberClassification,
            (MemberClassification.member_id == given.c.member_id)
            & _covers(MemberClassification, given.c.on_day),
        ),
        rows_parameter(session, [{"member_id": who, "on_day": day} for who, day in set(asked)]),
    )
    return {(row[0], row[1]): row[2] for row in rows}


def tally_columns() -> tuple[Any, ...]:
    """What a tally is made of: component, month, points, entries less reversals, lateness."""
    sign = sa.case((LedgerEntry.reverses_id.is_(None), 1), else_=-1)
    return (
        LedgerEntry.component_code,
        entry_month(),
        sa.func.sum(LedgerEntry.points),
        sa.func.sum(sign),
        is_late(),
    )


def is_late() -> sa.ColumnElement[bool]:
    """Whether an entry is about a closed year."""
    return LedgerEntry.about_period_id.is_not(None)


def entry_month() -> sa.ColumnElement[int]:
    """The month that an entry counts in; one about a closed year counts when it was posted."""
    return sa.case(
        (LedgerEntry.about_period_id.is_(None), sa.extract("month", LedgerEntry.happened_on)),
        else_=business_month(LedgerEntry.posted_at),
    )


def _covers(model: Any, on: date | sa.ColumnElement[date]) -> sa.ColumnElement[bool]:
    return sa.and_(model.valid_from <= on, sa.or_(model.valid_to.is_(None), model.valid_to > on))


def _given(session: Session) -> sa.Subquery:
    return row_source(dialect_of(session), {"id": LedgerEntry.__table__.c.member_id.type})


def _parameter(session: Session, member_ids: Collection[UUID]) -> dict[str, str]:
    return rows_parameter(session, [{"id": member_id} for member_id in member_ids])
