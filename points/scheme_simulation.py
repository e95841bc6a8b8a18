"""Replaying a past year under a draft: who would stand where, with no entry written."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import background
from core.background import BackgroundJob, Progress
from core.clock import business_day
from core.errors import RuleViolation
from core.rows import dialect_of, insert_rows, row_source, rows_parameter
from members.access import Actor, within
from members.cadre_models import CadreAppointment
from members.models import Affiliation, AffiliationKind, Organization
from points import periods, replaying, schemes, scores, scoring
from points.definition_reading import parse_definition
from points.definitions import Definition
from points.models import LedgerEntry, Period, SchemeVersion, Subject
from points.replaying import Posted
from points.scheme_models import SchemeSimulation, SchemeSimulationChange
from points.scheme_scope import get_scheme, hold_drafting, require_drafting
from points.schemes import SchemeInForce

JOB = "scheme.simulate"
CHUNK = 500


class PeriodMismatch(RuleViolation):
    """The last day to replay is not one of the year that has come."""

    code = "scheme.simulation_days"
    title = "模拟的截止日期应在该年度之内，并且已经到来"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which year to replay, up to which day; None: its last day, or today."""

    year: int
    through_on: date | None = None


@dataclass(frozen=True, slots=True)
class _Trial:
    """The draft as if it were in force all year, before whatever else covers its subtree."""

    definition: Definition
    draft: SchemeInForce
    published: Sequence[SchemeInForce]
    candidates: Sequence[SchemeInForce]

    def covers(self, entry: Posted) -> bool:
        chosen = schemes.choose(
            self.candidates, entry.path, entry.happened_on, subject=self.definition.subject
        )
        return chosen is self.draft


def request(
    session: Session, actor: Actor, scheme_id: UUID, *, stretch: Stretch, now: datetime
) -> BackgroundJob:
    """Ask the jobs process to replay a year under a draft, or under a version of before.

    Raises:
        NotFound: the scheme is not for the actor to read, or there is no such year.
        NotDelegated: he may read it, but not write schemes there.
        PeriodMismatch: the days are not possible.
    """
    paths = hold_drafting(session, actor)
    scheme: SchemeVersion = get_scheme(session, actor, scheme_id).SchemeVersion
    require_drafting(paths, session.get_one(Organization, scheme.organization_id))
    period = periods.get_period(session, str(stretch.year))
    today = business_day(now)
    through = stretch.through_on or min(period.ends_on, today)
    if not period.starts_on <= through <= min(period.ends_on, today):
        raise PeriodMismatch
    simulation = SchemeSimulation(
        scheme_id=scheme.id,
        organization_id=scheme.organization_id,
        definition=scheme.definition,
        year=stretch.year,
        through_on=through,
        requested_by=actor.member_id,
        requested_at=now,
    )
    session.add(simulation)
    session.flush()
    return background.enqueue(
        session, kind=JOB, subject_id=simulation.id, requested_by=actor.member_id, now=now
    )


def run(session: Session, simulation_id: UUID, *, now: datetime) -> Iterator[Progress]:
    """Replay chunk by chunk; the caller commits at each yield.

    Run again after a crash, it goes on behind the last chunk that was committed. Eight
    statements a chunk, however many members and entries it has.
    """
    simulation = _lock(session, simulation_id)
    if simulation is None or simulation.finished_at is not None:
        return
    places = _places(simulation, _trial(session, simulation))
    total = session.scalar(sa.select(sa.func.count()).select_from(places.subquery())) or 0
    while simulation is not None and _replay_some(session, simulation):
        yield Progress(simulation.examined, total)
        # The row is locked anew in each transaction, so that two workers take turns.
        simulation = _lock(session, simulation_id)
    if simulation is not None:
        simulation.finished_at = now
        session.flush()


def _lock(session: Session, simulation_id: UUID) -> SchemeSimulation | None:
    return session.get(
        SchemeSimulation, simulation_id, with_for_update=True, populate_existing=True
    )


def _replay_some(session: Session, simulation: SchemeSimulation) -> int:
    """Replay the next members; how many, 0 when nobody is left."""
    trial = _trial(session, simulation)
    query = _places(simulation, trial).order_by("member_id").limit(CHUNK)
    if simulation.last_member_id is not None:
        query = query.where(sa.column("member_id", sa.Uuid) > simulation.last_member_id)
    places = session.execute(query).all()
    if not places:
        return 0
    member_ids = [place.member_id for place in places]
    entries = _find_entries(session, simulation, trial.definition.subject, member_ids)
    exempting = scores.find_exempting(session, member_ids, on=simulation.through_on)
    rows = [
        _compare(simulation, trial, place, entries.get(place.member_id, ()), exempting)
        for place in places
    ]
    insert_rows(session, SchemeSimulationChange, [row for row in rows if _is_change(row)])
    simulation.last_member_id = member_ids[-1]
    simulation.examined += len(places)
    session.flush()
    return len(places)


def _trial(session: Session, simulation: SchemeSimulation) -> _Trial:
    definition = parse_definition(simulation.definition)
    path = session.get_one(Organization, simulation.organization_id).path
    draft = SchemeInForce(
        simulation.scheme_id, path, 0, date(simulation.year, 1, 1), None, definition
    )
    published = schemes.load_published(session)
    deeper = [one for one in published if len(one.path) > len(path)]
    others = [one for one in published if len(one.path) <= len(path)]
    return _Trial(definition, draft, published, [*deeper, draft, *others])


def _places(simulation: SchemeSimulation, trial: _Trial) -> sa.Select[*tuple[Any, ...]]:
    """Whom the draft would score on the last day, and where each belonged then."""
    day, subject = simulation.through_on, trial.definition.subject
    nearer = [
        one.path
        for one in trial.published
        if one.definition.subject == subject
        and len(one.path) > len(trial.draft.path)
        and one.applies(one.path, day)
    ]
    model: Any = CadreAppointment if subject == Subject.CADRES else Affiliation
    is_member = subject == Subject.PARTY_MEMBERS
    covering = (model.valid_from <= day) & (model.valid_to.is_(None) | (model.valid_to > day))
    query = (
        sa.select(
            model.member_id.label("member_id"),
            model.organization_id.label("organization_id"),
            (model.party_group_id if is_member else sa.null()).label("party_group_id"),
            Organization.path.label("path"),
        )
        .join(Organization, Organization.id == model.organization_id)
        .where(covering, within([trial.draft.path]), ~within(nearer))
    )
    if is_member:
        query = query.where(Affiliation.kind == AffiliationKind.PRIMARY)
    return sa.select(query.subquery("places"))


def _find_entries(
    session: Session, simulation: SchemeSimulation, subject: str, member_ids: Sequence[UUID]
) -> dict[UUID, list[Posted]]:
    """Members' entries of the year up to the last day, in the order of posting."""
    given = row_source(dialect_of(session), {"id": LedgerEntry.__table__.c.member_id.type})
    rows = session.execute(
        sa.select(
            LedgerEntry.member_id,
            LedgerEntry.id,
            LedgerEntry.reverses_id,
            sa.func.coalesce(LedgerEntry.claim_id, LedgerEntry.source_id, LedgerEntry.id),
            LedgerEntry.claim_id.is_not(None),
            SchemeVersion.scheme_code,
            LedgerEntry.item_code,
            LedgerEntry.component_code,
            LedgerEntry.happened_on,
            scores.entry_month(),
            scores.is_late(),
            LedgerEntry.points,
            LedgerEntry.inputs,
            Organization.path,
        )
        .join(given, given.c.id == LedgerEntry.member_id)
        .join(Period, Period.id == LedgerEntry.period_id)
        .join(Organization, Organization.id == LedgerEntry.organization_id)
        .join(SchemeVersion, SchemeVersion.id == LedgerEntry.scheme_version_id)
        .where(
            Period.code == str(simulation.year),
            LedgerEntry.subject == subject,
            LedgerEntry.happened_on <= simulation.through_on,
        )
        .order_by(LedgerEntry.seq),
        rows_parameter(session, [{"id": member_id} for member_id in member_ids]),
    )
    entries: dict[UUID, list[Posted]] = defaultdict(list)
    for member_id, *values in rows:
        entries[member_id].append(Posted(*values))
    return entries


def _compare(
    simulation: SchemeSimulation,
    trial: _Trial,
    place: Any,
    entries: Sequence[Posted],
    exempting: Mapping[UUID, set[str]],
) -> dict[str, Any]:
    subject = trial.definition.subject
    before = schemes.choose(trial.published, place.path, simulation.through_on, subject=subject)
    tried = (
        (before.definition if before else None, replaying.as_posted(entries)),
        (trial.definition, replaying.under(trial.definition, entries, trial.covers)),
    )
    reasons = exempting.get(place.member_id, set())
    (total_before, band_before), (total_after, band_after) = (
        _score(simulation, definition, tallies, reasons) for definition, tallies in tried
    )
    return {
        "simulation_id": simulation.id,
        "member_id": place.member_id,
        "organization_id": place.organization_id,
        "party_group_id": place.party_group_id,
        "total_before": total_before,
        "total_after": total_after,
        "band_before": band_before,
        "band_after": band_after,
    }


def _score(
    simulation: SchemeSimulation,
    definition: Definition | None,
    tallies: Sequence[scoring.Tally],
    reasons: set[str],
) -> tuple[int | None, str | None]:
    if definition is None:
        return None, None
    score = scoring.score(
        definition,
        tallies,
        year=simulation.year,
        through=simulation.through_on,
        is_exempt=bool(reasons & definition.exempt),
        member_class=scores.class_of(reasons),
    )
    return score.total, score.band


def _is_change(row: Mapping[str, Any]) -> bool:
    return (row["total_before"], row["band_before"]) != (row["total_after"], row["band_after"])
