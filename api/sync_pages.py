"""One page of what a phone holds: what there is, and then what has changed since.

The feed says which objects changed and for whom. What is sent is the object as the member may
read it now, through the same query that shows it elsewhere; what that query does not return any
more is gone for him, and is sent as its number only.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.sync_cursor import SyncCursor, SyncReset
from core import changes
from core.changes import Audience, Horizon, Noted
from members.access import READING_ROLES, Actor
from members.audiences import Circle, find_audiences


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of objects that a phone holds.

    Args:
        circle: the widest circle of an organisation that they are for; None where they are for
            the member alone.
        readable: the objects that an actor may hold, each first in its row.
        shown: a row as its schema dumps it.
        beside: kind and id of an object that is shown with what this row says, if there is one.
    """

    name: str
    circle: Circle | None
    entity: Any
    readable: Callable[[Actor], sa.Select[*tuple[Any, ...]]]
    shown: Callable[[Actor, Any], Any]
    beside: Callable[[Any], tuple[str, UUID] | None] = lambda _row: None


@dataclass(frozen=True, slots=True)
class Gone:
    """An object that is not there any more, or not for this member."""

    kind: str
    id: UUID


@dataclass(slots=True)
class SyncPage:
    """What the phone is to do: forget these kinds, delete these objects, keep these.

    Each object once, as it was read last.
    """

    next: SyncCursor
    forget: list[str] = field(default_factory=list)
    changed: dict[str, dict[UUID, Any]] = field(default_factory=lambda: defaultdict(dict))
    deleted: list[Gone] = field(default_factory=list)
    more: bool = False


@dataclass(frozen=True, slots=True)
class _Reader:
    session: Session
    actor: Actor
    kinds: Mapping[str, Kind]
    audiences: Sequence[Audience]
    horizon: Horizon


def read_page(
    session: Session,
    actor: Actor,
    kinds: Sequence[Kind],
    *,
    since: SyncCursor | None,
    limit: int,
    now: datetime,
) -> SyncPage:
    """The next page for a phone; without a cursor the first of everything.

    At most one statement a kind, and three, whatever the page holds.

    Raises:
        SyncReset: the cursor is too old, or of another history.
    """
    horizon = changes.look(session)
    audiences = find_audiences(session, actor)
    reader = _Reader(session, actor, {kind.name: kind for kind in kinds}, audiences, horizon)
    scopes = scopes_of(kinds, actor, audiences)
    if since is None:
        page = SyncPage(SyncCursor.fresh(actor.member_id, horizon, scopes, now=now))
    else:
        _require_usable(since, horizon, now)
        page = SyncPage(*since.within(scopes))
    room = _load(reader, page, limit)
    page.more = bool(page.next.to_load) or room == 0
    if not page.more:
        _follow(reader, page, room, now)
    return page


def scopes_of(kinds: Iterable[Kind], actor: Actor, audiences: Sequence[Audience]) -> dict[str, str]:
    """For each kind a digest of where its objects come from, and of what the actor may do there."""
    roles = sorted(
        [held.role, held.organization_id.hex]
        for held in actor.held_roles
        if held.role in READING_ROLES
    )
    told: dict[Circle | None, str] = {None: ""}
    for circle in Circle:
        heard = [[one.organization_id.hex, one.circle] for one in audiences if one.circle >= circle]
        # What waits for a decision shows the steps that the actor may take.
        decides = roles if circle is Circle.DECIDERS else []
        told[circle] = hashlib.sha256(json.dumps([heard, decides]).encode()).hexdigest()[:10]
    return {kind.name: told[kind.circle] for kind in kinds}


def _require_usable(since: SyncCursor, horizon: Horizon, now: datetime) -> None:
    if now - since.complete_at > changes.KEPT:
        raise SyncReset(f"超过 {changes.KEPT.days} 天没有同步。")
    if since.history != horizon.history or since.floor > horizon.settled:
        raise SyncReset("系统的数据曾从备份恢复。")


def _load(reader: _Reader, page: SyncPage, limit: int) -> int:
    """Send what there is of the kinds that the phone lacks; how much room is left."""
    room = limit
    while page.next.to_load and room:
        kind, *others = (reader.kinds[name] for name in page.next.to_load)
        query = kind.readable(reader.actor).order_by(kind.entity.id).limit(room + 1)
        if page.next.loaded_to is not None:
            query = query.where(kind.entity.id > page.next.loaded_to)
        rows = reader.session.execute(query).all()
        page.changed[kind.name] |= _shown(reader, kind, rows[:room])
        if len(rows) > room:
            page.next = replace(page.next, loaded_to=rows[room - 1][0].id)
            return 0
        left = tuple(one.name for one in others)
        page.next = replace(page.next, to_load=left, loaded_to=None)
        room -= len(rows)
    return room


def _follow(reader: _Reader, page: SyncPage, room: int, now: datetime) -> None:
    """Send what has changed behind the cursor, as it is now, and move the cursor on."""
    found = changes.read(
        reader.session,
        reader.actor.member_id,
        reader.audiences,
        after=page.next.after,
        limit=room + 1,
    )
    lines, page.more = found[:room], len(found) > room
    page.next = _moved_on(page.next, lines, page.more, reader.horizon, now)
    ids: dict[str, set[UUID]] = defaultdict(set)
    for line in lines:
        ids[line.kind].add(line.object_id)
    for kind in reader.kinds.values():
        if wanted := ids.get(kind.name):
            for other, id_ in filter(None, map(kind.beside, _send(reader, page, kind, wanted))):
                ids[other].add(id_)


def _moved_on(
    cursor: SyncCursor, lines: Sequence[Noted], more: bool, horizon: Horizon, now: datetime
) -> SyncCursor:
    """The cursor behind these lines.

    Lines of transactions that have overtaken one still at work are sent, so that nobody waits
    for what has been committed; but the next walk begins below them.
    """
    floor, is_in_order = cursor.floor, cursor.after == cursor.floor
    if is_in_order:
        settled = [line.position for line in lines if line.position <= horizon.settled]
        floor = settled[-1] if settled else floor
    return replace(
        cursor,
        floor=floor,
        after=lines[-1].position if more else floor,
        # Behind a full page there may be lines as old as the whole walk.
        complete_at=now if is_in_order and not more else cursor.complete_at,
    )


def _send(reader: _Reader, page: SyncPage, kind: Kind, wanted: set[UUID]) -> Sequence[Any]:
    query = kind.readable(reader.actor).where(kind.entity.id.in_(sorted(wanted)))
    rows = reader.session.execute(query.order_by(kind.entity.id)).all()
    found = _shown(reader, kind, rows)
    gone = sorted(wanted - found.keys())
    for id_ in gone:
        page.changed[kind.name].pop(id_, None)
    page.changed[kind.name] |= found
    page.deleted += [Gone(kind.name, id_) for id_ in gone]
    return rows


def _shown(reader: _Reader, kind: Kind, rows: Sequence[Any]) -> dict[UUID, Any]:
    return {row[0].id: kind.shown(reader.actor, row) for row in rows}
