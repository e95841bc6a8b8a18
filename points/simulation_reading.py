"""What a simulation found: how many members, by how much, and who; never ordered by points."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.errors import NotFound
from core.paging import InvalidCursor, Page, cut, id_key
from core.quantities import Points
from members.access import Actor, within
from members.models import Member, Organization
from points.rules import round_half_up
from points.scheme_models import SchemeSimulation, SchemeSimulationChange
from points.scheme_scope import working_paths

_Change = SchemeSimulationChange
_Branch, _Group = aliased(Organization), aliased(Organization)
# By branch and group, then name; the id makes it one order.
_SORT_KEY: tuple[Any, ...] = (
    _Change.organization_id,
    sa.func.coalesce(_Change.party_group_id, _Change.organization_id),
    Member.name,
    Member.id,
)


@dataclass(frozen=True, slots=True)
class Report:
    """The sums of a simulation.

    Args:
        mean_delta: over everybody examined, those without any change among them.
        moves: (band before, band after, how many members); None: no score.
    """

    simulation: SchemeSimulation
    changed: int
    mean_delta: Points
    moves: Sequence[Any]


def get_report(session: Session, actor: Actor, simulation_id: UUID) -> Report:
    """The sums of a simulation as far as it is.

    Raises:
        NotFound: absent, or not of a scheme that the actor writes or audits.
    """
    simulation = _get(session, actor, simulation_id)
    mine = _Change.simulation_id == simulation_id
    changed, delta = session.execute(
        sa.select(
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(_Change.total_after - _Change.total_before), 0),
        ).where(mine)
    ).one()
    moves = session.execute(
        sa.select(_Change.band_before, _Change.band_after, sa.func.count().label("members"))
        .where(mine, _Change.band_before.is_distinct_from(_Change.band_after))
        .group_by(_Change.band_before, _Change.band_after)
        .order_by(_Change.band_before, _Change.band_after)
    ).all()
    mean = round_half_up(Fraction(int(delta or 0), max(1, simulation.examined)))
    return Report(simulation, changed, mean, moves)


def list_changes(
    session: Session,
    actor: Actor,
    simulation_id: UUID,
    *,
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    """Whose total or band would differ: by branch and group, then name.

    Raises:
        NotFound: absent, or not of a scheme that the actor writes or audits.
        InvalidCursor: the cursor names nobody of this list.
    """
    _get(session, actor, simulation_id)
    query = (
        sa.select(
            _Change,
            Member.name.label("member_name"),
            _Branch.name.label("organization_name"),
            _Group.name.label("party_group_name"),
        )
        .join(Member, Member.id == _Change.member_id)
        .join(_Branch, _Branch.id == _Change.organization_id)
        .outerjoin(_Group, _Group.id == _Change.party_group_id)
        .where(_Change.simulation_id == simulation_id)
    )
    last_id = id_key(after)
    if last_id is not None:
        last = session.execute(
            query.with_only_columns(*_SORT_KEY).where(Member.id == last_id)
        ).one_or_none()
        if last is None:
            raise InvalidCursor
        values = [sa.literal(one, column.type) for one, column in zip(last, _SORT_KEY, strict=True)]
        query = query.where(sa.tuple_(*_SORT_KEY) > sa.tuple_(*values))
    rows = session.execute(query.order_by(*_SORT_KEY).limit(limit + 1)).all()
    return cut(rows, limit, lambda row: [str(row[0].member_id)])


def _get(session: Session, actor: Actor, simulation_id: UUID) -> SchemeSimulation:
    simulation = session.scalar(
        sa.select(SchemeSimulation)
        .join(Organization, Organization.id == SchemeSimulation.organization_id)
        .where(SchemeSimulation.id == simulation_id, within(working_paths(session, actor)))
        .execution_options(populate_existing=True)
    )
    if simulation is None:
        raise NotFound
    return simulation
