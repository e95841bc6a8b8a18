"""The audit trail: each transaction that writes leaves one event, in the same transaction (I7).

No route, job or command calls anything for it. Before a commit the session looks at what was
noticed beneath it (`core.audit_noticing`), at who the edge said is acting (`core.attribution`),
and writes one row more; without an attribution it refuses to commit.
"""

import hmac
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session

from core.attribution import KEY, ActorKind, Attribution
from core.audit_models import AuditEvent, Outcome
from core.audit_noticing import Notes, Touch, find_notes, notes_of
from core.db import database_now, read_only, vault_of
from core.rows import dialect_of

# A job over the whole roster names no single row; its name says what it did.
IDS_MAX = 1_000
# What keeps the machinery going tells of itself: runs, leases, the sealers' own chains. And
# whether somebody has read his messages is his own affair (guardrail 5): no trail of using the app.
BOOKKEEPING = frozenset(
    {"inbox_message"}
    | {"job_run", "job_standing", "background_job", "provider_breaker", "code_try"}
    | {"idempotency_key", "refresh_token", "attempt_limit"}
    | {"ledger_block", "ledger_leaf", "ledger_tile", "audit_seal"}
)


class Unattributed(RuntimeError):
    """A transaction that writes, and nobody has said on whose account."""


def attribute(session: Session, to: Attribution) -> None:
    """From here on the session writes on this account."""
    session.info[KEY] = to


def withhold_actor(session: Session) -> None:
    """From here on the session writes on nobody's account: whoever acts was promised that.

    What he may be asked for stands in the row that he writes. A refusal leaves no event either,
    or the next one beside it would say whose it is.
    """
    attribution: Attribution | None = session.info.get(KEY)
    operation = attribution.operation if attribution else "anonymous"
    attribute(session, Attribution(ActorKind.PUBLIC, operation))


def act_for(session: Session, member_id: UUID) -> None:
    """What this transaction writes is done in the place of another: he delegated it, or told it."""
    if member_id != _actor_of(session):
        notes_of(session).on_behalf_of = member_id


def concern(session: Session, member_ids: Iterable[UUID]) -> None:
    """Say whom it concerns, where the rows that are written do not."""
    notes_of(session).concerned.update(dict.fromkeys(member_ids))


def note_reading(session: Session, what: str, member_ids: Iterable[UUID]) -> None:
    """Record that personal data of these members is shown; whoever reads his own needs no record.

    Args:
        what: what of them, by a name from the glossary.

    Raises:
        Unattributed: the transaction only reads, so the record would be lost.
    """
    if read_only.get():
        raise Unattributed(f"{what} is shown outside of a recorded reading")
    own = _actor_of(session)
    shown = notes_of(session).shown.setdefault(what, {})
    shown.update(dict.fromkeys(one for one in member_ids if one != own))


def note_denied(session: Session, code: str, object_id: UUID) -> None:
    """Record that one of a batch was not the actor's to decide, while the others went on."""
    notes_of(session).denied.setdefault(code, {})[object_id] = None


def note_refusal(
    session: Session, of: Attribution, outcome: Outcome, code: str, named: Mapping[str, UUID]
) -> None:
    """Record a request that was refused, in a transaction of its own that the edge commits.

    Args:
        named: what the address names, by the name of its place there.
    """
    notes_of(session).is_settled = True
    objects = {place: [one.hex] for place, one in named.items()}
    session.execute(
        _inserting(dialect_of(session)),
        _row(of)
        | {"outcome": outcome, "code": code, "objects": objects}
        | {"object_count": len(objects)},
    )


def _actor_of(session: Session) -> UUID | None:
    attribution: Attribution | None = session.info.get(KEY)
    return attribution.actor_id if attribution else None


@event.listens_for(Session, "before_commit")
def _write_event(session: Session) -> None:
    # Releasing a savepoint is no end of the transaction.
    if session.in_nested_transaction():
        return
    session.flush()
    notes = find_notes(session)
    if notes is None:
        return
    shown = {what: _hexes(ids) for what, ids in notes.shown.items() if ids}
    deeds = [touch for touch in notes.touches if touch.table not in BOOKKEEPING]
    has_changed = bool(deeds) and notes.has_changed(session.connection())
    if notes.is_settled or not (has_changed or shown or notes.denied):
        return
    attribution: Attribution | None = session.info.get(KEY)
    if attribution is None:
        tables = sorted({touch.table for touch in deeds})
        raise Unattributed(f"nobody has said who writes {tables}")
    notes.is_settled = True
    row = _row(attribution) | _content(notes, deeds) | {"shown": shown or None}
    if not (has_changed or shown):
        row |= {"outcome": Outcome.DENIED, "code": next(iter(notes.denied))}
    row["written_hmac"] = _digest(session, deeds)
    session.execute(_inserting(dialect_of(session)), row)


def _row(attribution: Attribution) -> dict[str, Any]:
    return {
        "actor_kind": attribution.kind,
        "actor_id": attribution.actor_id,
        "operator": attribution.operator,
        "on_behalf_of": None,
        "operation": attribution.operation,
        "request_id": attribution.request_id,
        "session_id": attribution.session_id,
        "organization_id": attribution.organization_id,
        "outcome": Outcome.DONE,
        "code": "",
        "tables": [],
        "objects": {},
        "object_count": 0,
        "subjects": [],
        "shown": None,
        "written_hmac": None,
    }


def _content(notes: Notes, deeds: Iterable[Touch]) -> dict[str, Any]:
    objects: dict[str, dict[UUID, None]] = {}
    subjects = dict(notes.concerned)
    places: dict[UUID, None] = {}
    for touch in deeds:
        objects.setdefault(touch.table, {}).update(dict.fromkeys(touch.ids))
        subjects.update(dict.fromkeys(touch.member_ids))
        places.update(dict.fromkeys(touch.organization_ids))
    tables = list(objects)
    objects |= {f"denied:{code}": ids for code, ids in notes.denied.items()}
    content: dict[str, Any] = {
        "on_behalf_of": notes.on_behalf_of,
        "tables": tables,
        "objects": {name: named for name, ids in objects.items() if (named := _hexes(ids))},
        "object_count": sum(len(ids) for ids in objects.values()),
        "subjects": _hexes(subjects),
    }
    if len(places) == 1:
        # It is filed where it happened; what spans several places, where the actor belongs.
        content["organization_id"] = next(iter(places))
    return content


def _hexes(ids: Iterable[UUID]) -> list[str]:
    named = [one.hex for one in ids]
    return named if len(named) <= IDS_MAX else []


def _digest(session: Session, touches: Iterable[Touch]) -> str | None:
    """Keyed, because a bare digest of a name or a date could be guessed."""
    written = "\n".join(touch.written for touch in touches if touch.written)
    if not written:
        return None
    return hmac.new(_key(vault_of(session)), written.encode(), sha256).hexdigest()


@cache
def _key(vault: Any) -> bytes:
    key: bytes = vault.derive("audit trail")
    return key


@cache
def _inserting(dialect: str) -> sa.Insert:
    return sa.insert(AuditEvent).values(at=database_now(dialect))
