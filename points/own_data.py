"""Writing a member's copy of his own data: a zip of JSON files with a README, part by part.

Rows are read in a stream and written to a file, so a long life costs no more memory than a short
one; the number of statements is that of the parts.
"""

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import IO, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.audit_models import AuditEvent, AuditMention, MentionRole
from core.background import Progress
from core.clock import SHANGHAI
from core.quantities import format_points
from members import data_copies, member_keys
from members.models import Member, Organization
from points import entry_sentences, explanations, own_data_texts, schemes
from points.models import LedgerEntry
from points.own_data_parts import PARTS, Part, reading

_ROWS_AT_ONCE = 200
# What of an entry is copied; the rest are keys of other tables.
_ENTRY = (
    *("id", "reverses_id", "item_code", "component_code", "title", "happened_on", "asked"),
    *("points", "binding_cap", "inputs", "reason", "posted_at"),
)

Row = Mapping[str, Any]
Reader = Callable[[Session, UUID], Iterator[Row]]


def write(session: Session, copy_id: UUID, *, now: datetime) -> Iterator[Progress]:
    """Write a copy that was asked for, from the beginning if a worker died on it.

    Raises:
        NotFound: it went with its member.
    """
    copy = data_copies.get_requested(session, copy_id)
    with tempfile.TemporaryFile() as file:
        parts = _write_zip(session, copy.member_id, file, now)
        file.seek(0)
        content = file.read()
    data_copies.keep(session, copy, content, hashlib.sha256(content).hexdigest())
    session.flush()
    yield Progress(parts, parts)


def _write_zip(session: Session, member_id: UUID, file: IO[bytes], now: datetime) -> int:
    counts: dict[str, int] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, read in _readers().items():
            with archive.open(f"{name}.json", "w") as target:
                counts[name] = _write_rows(target, read(session, member_id))
        archive.writestr(own_data_texts.FILE_NAME, own_data_texts.describe(counts, now))
    return len(counts)


def _readers() -> dict[str, Reader]:
    tables = {part.table: _reader(part) for part in PARTS}
    return tables | {"ledger_entry": _read_entries, "who_read_my_data": _read_access}


def _reader(part: Part) -> Reader:
    def read(session: Session, member_id: UUID) -> Iterator[Row]:
        for row in _stream(session, reading(part), member_id):
            values = dict(row._mapping)
            for column, (name, context) in part.opened.items():
                values[name] = _opened(session, member_id, values.pop(column), context(row))
            yield values

    return read


def _read_entries(session: Session, member_id: UUID) -> Iterator[Row]:
    """Each entry with the sentences that lead to its number."""
    published = {one.id: one for one in schemes.load_published(session)}
    query = (
        sa.select(LedgerEntry, Organization.name)
        .join(Organization, Organization.id == LedgerEntry.organization_id)
        .where(LedgerEntry.member_id == sa.bindparam("member", type_=sa.Uuid))
        .order_by(LedgerEntry.seq)
    )
    for entry, organization in _stream(session, query, member_id):
        scheme = published[entry.scheme_version_id]
        steps = [explanations.scheme_of(entry, scheme.definition, scheme.version)]
        if entry.reverses_id is None:
            steps += entry_sentences.compose(entry, scheme.definition)
        else:
            steps.append(
                f"冲正以前的一笔，{format_points(entry.points)} 分，原因：{entry.reason}。"
            )
        values = {name: getattr(entry, name) for name in _ENTRY}
        yield {"organization_name": organization} | values | {"explanation": steps}


def _read_access(session: Session, member_id: UUID) -> Iterator[Row]:
    """Who was shown what of him."""
    query = (
        sa.select(AuditEvent.at, AuditEvent.operation, AuditEvent.shown, Member.name)
        .join(AuditMention, AuditMention.event_seq == AuditEvent.seq)
        .outerjoin(Member, Member.id == AuditEvent.actor_id)
        .where(
            AuditMention.mentioned_id == sa.bindparam("member", type_=sa.Uuid),
            AuditMention.role == MentionRole.SHOWN,
        )
        .order_by(AuditEvent.seq)
    )
    for at, operation, shown, name in _stream(session, query, member_id):
        what = [kind for kind, ids in (shown or {}).items() if member_id.hex in ids]
        yield {"at": at, "reader_name": name, "operation": operation, "what": what}


def _stream(
    session: Session, query: sa.Select[*tuple[Any, ...]], member_id: UUID
) -> Iterator[sa.Row[*tuple[Any, ...]]]:
    # What is streamed is not kept, least of all in the session.
    options = {"yield_per": _ROWS_AT_ONCE}
    yield from session.execute(query, {"member": member_id}, execution_options=options)


def _opened(session: Session, member_id: UUID, sealed: bytes | None, context: str) -> str | None:
    if sealed is None:
        return None
    return member_keys.open_value(session, member_id, sealed, context=context)


def _write_rows(target: IO[bytes], rows: Iterable[Row]) -> int:
    """One JSON array, a row on each line; how many."""
    count = 0
    with io.TextIOWrapper(target, encoding="utf-8") as text:
        text.write("[")
        for row in rows:
            text.write(",\n" if count else "\n")
            text.write(json.dumps(row, ensure_ascii=False, default=_plain))
            count += 1
        text.write("\n]\n")
    return count


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")
