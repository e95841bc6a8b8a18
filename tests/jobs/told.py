"""What reminders have put into the outbox, by who reads it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from jobs.stop_conditions import STOP_CONDITIONS
from notifications import catalogue
from notifications.models import OutboxMessage
from tests.world import World


@dataclass(frozen=True, slots=True)
class Row:
    """A message as a stop condition is asked about it."""

    id: UUID
    member_id: UUID
    occasion: str


def told(world: World, kind: str) -> dict[str, dict[str, Any]]:
    """Name -> parameters of the message of a kind; everybody has one at most."""
    names = {member_id: name for name, member_id in world.members.items()}
    rows = rows_of(world, kind)
    assert len({row.member_id for row in rows}) == len(rows), "somebody is told twice"
    return {names[row.member_id]: row.params for row in rows}


def still_needed(world: World, kind: str) -> set[str]:
    """Who would still be told if the messages left now."""
    names = {member_id: name for name, member_id in world.members.items()}
    carried = [
        Row(one.id, one.member_id, one.dedupe_key.split(":", 2)[2].rpartition(":")[0])
        for one in rows_of(world, kind)
    ]
    needed = STOP_CONDITIONS[catalogue.KINDS[kind].stop](world.session, carried)
    return {names[one.member_id] for one in carried if one.id in needed}


def rows_of(world: World, kind: str) -> list[OutboxMessage]:
    """Every message of a kind."""
    query = sa.select(OutboxMessage).where(OutboxMessage.kind == kind)
    return list(world.session.scalars(query))
