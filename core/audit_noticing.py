"""What a transaction has written, noticed beneath every way of writing it.

The engine tells of each statement, whether the unit of work, a set-based statement or a job made
it. What is read from a statement is the ids that it names: of rows it inserts, and of rows that
its WHERE clause picks by key. Nothing is asked of the database.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID
from weakref import WeakKeyDictionary, ref

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import Session
from sqlalchemy.sql import operators

from core.db import Base
from core.rows import GivenRows

_KEY = "audit_notes"

# Whoever proves something wants to know of every version of these.
WATCHED = frozenset(
    {"member", "affiliation", "account", "role_grant", "organization", "membership_decision"}
    | {"points_scheme_version", "scheme_delegation", "points_period", "contact_policy"}
)
# Rows that repeat what another row of the same transaction says: steps, messages, totals. They
# are named as tables; whom a message goes to is nobody whom the deed concerns.
ECHOES = frozenset(
    {"claim_event", "pledge_event", "objection_event", "attendance_event", "points_quota"}
    | {"review_batch_decision", "outbox_message", "inbox_message", "outbox_attempt"}
    | {"outbox_outcome", "contact_recorded_day", "contact_standing", "contact_stage_entry"}
    | {"roster_import_row", "activity_organization", "bulletin_entry", "feedback_step"}
)
# Rows that alone say whom they concern, because some of them were sent anonymously.
NAMELESS = frozenset({"feedback"})
# What was not built but written out names its table and nothing else.
_BY_HAND = re.compile(r"\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+\"?(\w+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Touch:
    """What one statement names: rows of a table, and the people and organisations they are of."""

    table: str
    ids: Sequence[UUID] = ()
    member_ids: Sequence[UUID] = ()
    organization_ids: Sequence[UUID] = ()
    written: str = ""


@dataclass(slots=True)
class Notes:
    """What has been noticed since a session's transaction began."""

    session: ref[Session]
    changes_before: int
    rows: int = 0
    touches: list[Touch] = field(default_factory=list)
    concerned: dict[UUID, None] = field(default_factory=dict)
    shown: dict[str, dict[UUID, None]] = field(default_factory=dict)
    denied: dict[str, dict[UUID, None]] = field(default_factory=dict)
    on_behalf_of: UUID | None = None
    is_settled: bool = False

    def has_changed(self, connection: Connection) -> bool:
        """Whether a row was written: one that no statement found was not."""
        if not self.touches:
            return False
        if connection.dialect.name == "sqlite":
            return _changes(connection) > self.changes_before
        return self.rows > 0


def notes_of(session: Session) -> Notes:
    """The notes of the session's transaction, which begins here at the latest."""
    if _KEY not in session.info:
        session.connection()
    notes: Notes = session.info[_KEY]
    return notes


def find_notes(session: Session) -> Notes | None:
    """The same, or None where the session has not asked the database for anything."""
    return session.info.get(_KEY)


class _Marks(Protocol):
    parent: Any
    nested: bool


_marks: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


@event.listens_for(Session, "after_begin")
def _begin(session: Session, transaction: _Marks, connection: Connection) -> None:
    if transaction.nested:
        _marks[transaction] = len(session.info[_KEY].touches)
        return
    notes = Notes(ref(session), _changes(connection))
    session.info[_KEY] = connection.info[_KEY] = notes


@event.listens_for(Session, "after_transaction_end")
def _end(session: Session, transaction: _Marks) -> None:
    if transaction.parent is None:
        session.info.pop(_KEY, None)


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, transaction: _Marks) -> None:
    """What a savepoint has taken back was not written."""
    mark = _marks.pop(transaction, None)
    notes = find_notes(session)
    if mark is not None and notes is not None:
        del notes.touches[mark:]


@event.listens_for(Engine, "after_cursor_execute")
def _notice(
    connection: Connection, cursor: Any, sql: str, _parameters: Any, context: Any, _many: bool
) -> None:
    is_built = context.isinsert or context.isupdate or context.isdelete
    by_hand = None if is_built else _BY_HAND.match(sql)
    notes: Notes | None = connection.info.get(_KEY)
    if notes is None or not (is_built or by_hand):
        return
    notes.rows += max(cursor.rowcount, 0)
    table = by_hand[1] if by_hand else context.compiled.statement.table.name
    if by_hand or table in ECHOES:
        notes.touches.append(Touch(table))
        return
    named = _ids_named(context)
    written = _as_text(table, context.compiled_parameters) if table in WATCHED else ""
    touch = Touch(table, named["id"], named["member_id"], named["organization_id"], written)
    notes.touches.append(_completed(notes, touch))


def _changes(connection: Connection) -> int:
    if connection.dialect.name != "sqlite":
        return 0
    driver: Any = connection.connection.driver_connection
    changes: int = driver.total_changes
    return changes


def _ids_named(context: Any) -> dict[str, list[UUID]]:
    """The ids, members and organisations that an execution of a statement names."""
    found: dict[str, list[Any]] = {"id": [], "member_id": [], "organization_id": []}
    names = _names_in(context.compiled)
    for parameters in context.compiled_parameters:
        given = parameters.get(GivenRows.PARAMETER)
        rows = given.rows if isinstance(given, GivenRows) else ()
        for name, source in names.items():
            if source not in parameters:
                found[name] += [row[source] for row in rows if source in row]
            elif isinstance(parameters[source], list | tuple | set | frozenset):
                found[name] += parameters[source]
            else:
                found[name].append(parameters[source])
    return {name: [one for one in ids if isinstance(one, UUID)] for name, ids in found.items()}


_names: WeakKeyDictionary[Any, dict[str, str]] = WeakKeyDictionary()


def _names_in(compiled: Any) -> dict[str, str]:
    """Of id, member and organisation, those that a statement names, and by which parameter."""
    found = _names.get(compiled)
    if found is None:
        found = _names[compiled] = _find_names(compiled)
    return found


def _find_names(compiled: Any) -> dict[str, str]:
    statement = compiled.statement
    columns = {_key_of(statement.table): "id"}
    columns |= {"member_id": "member_id", "organization_id": "organization_id"}
    columns.pop(None, None)
    if compiled.isinsert:
        return {name: str(column) for column, name in columns.items()}
    found: dict[str, str] = {}
    for condition in _conditions(statement._where_criteria):
        for column, source in (
            (condition.left, condition.right),
            (condition.right, condition.left),
        ):
            of_table = getattr(getattr(column, "table", None), "name", None)
            if of_table == statement.table.name and column.key in columns:
                found[columns[column.key]] = compiled.bind_names.get(source) or str(
                    getattr(source, "key", "")
                )
    return found


def _conditions(criteria: Iterable[Any]) -> Iterable[Any]:
    """The comparisons that all must hold."""
    for one in criteria:
        if getattr(one, "operator", None) is operators.and_:
            yield from _conditions(one.clauses)
        elif getattr(one, "operator", None) in (operators.eq, operators.in_op):
            yield one


def _key_of(table: Any) -> str | None:
    if "id" in table.c:
        return "id"
    keys = list(table.primary_key)
    return keys[0].key if len(keys) == 1 and isinstance(keys[0].type, sa.Uuid) else None


def _completed(notes: Notes, touch: Touch) -> Touch:
    """A row that the session has loaded also says whose it is."""
    if touch.table in NAMELESS:
        return Touch(touch.table, touch.ids)
    session, kind = notes.session(), _kinds().get(touch.table)
    if touch.table == "member":
        return Touch(touch.table, touch.ids, touch.ids, touch.organization_ids, touch.written)
    if touch.member_ids or session is None or kind is None:
        return touch
    loaded = [session.identity_map.get(sa.orm.util.identity_key(kind, one)) for one in touch.ids]
    members = [getattr(one, "member_id", None) for one in loaded if one is not None]
    places = [getattr(one, "organization_id", None) for one in loaded if one is not None]
    return Touch(
        touch.table,
        touch.ids,
        [one for one in members if one],
        [one for one in (touch.organization_ids or places) if one],
        touch.written,
    )


_classes: dict[str, type[Base]] = {}


def _kinds() -> Mapping[str, type[Base]]:
    """The class of each table that is kept by one id."""
    if not _classes:
        for mapper in Base.registry.mappers:
            table = mapper.local_table
            if isinstance(table, sa.Table) and [c.key for c in mapper.primary_key] == ["id"]:
                _classes[table.name] = mapper.class_
    return _classes


def _as_text(table: str, parameters: Sequence[Mapping[str, Any]]) -> str:
    return table + json.dumps(list(parameters), default=str, sort_keys=True, ensure_ascii=False)
