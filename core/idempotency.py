"""Keys under which clients repeat a request: at most one effect each (invariant I10)."""

import functools
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, UtcDateTime, vault_of
from core.rows import dialect_of


class IdempotencyKey(Base):
    """One use of a key, and how it ended; written in the same transaction as the effect."""

    __tablename__ = "idempotency_key"
    __table_args__ = (
        sa.CheckConstraint("status BETWEEN 200 AND 499", name="status"),
        sa.CheckConstraint("(status IS NULL) = (sealed_answer IS NULL)", name="answer"),
        sa.Index("ix_idempotency_key_used_at", "used_at"),
    )

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    key: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)
    status: Mapped[int | None] = mapped_column(sa.SmallInteger)
    sealed_answer: Mapped[bytes | None] = mapped_column(sa.LargeBinary)


_TABLE = cast(sa.Table, IdempotencyKey.__table__)


@dataclass(frozen=True, slots=True)
class KeyUse:
    """Who uses which key for which operation, and the digest of what he asks."""

    member_id: UUID
    operation: str
    key: UUID
    digest: bytes

    def identity(self) -> dict[str, Any]:
        """The primary key of its row."""
        return {"member_id": self.member_id, "operation": self.operation, "key": self.key}

    def context(self) -> str:
        """What the sealed answer is bound to, so that rows cannot be swapped."""
        return f"idempotency_key.answer:{self.member_id}:{self.operation}:{self.key}"

    def lock_number(self) -> int:
        """The number of its advisory lock; sharing one by chance costs a retry, nothing else."""
        digest = hashlib.sha256(self.context().encode()).digest()
        return int.from_bytes(digest[:8], signed=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an earlier use of the key ended."""

    digest: bytes
    status: int
    answer: bytes


def reserve(session: Session, use: KeyUse, *, now: datetime) -> bool:
    """Take the key for this transaction; False if it was used, or is in use, already.

    It comes before the effect and never waits: on PostgreSQL a second transaction with the same
    key finds its lock taken, on SQLite it has waited at BEGIN for the first to end.
    """
    given: dict[str, Any] = use.identity() | {"digest": use.digest, "used_at": now}
    dialect = dialect_of(session)
    if dialect == "postgresql":
        given["lock_number"] = use.lock_number()
    return session.scalar(_reserving(dialect), given) is not None


def find_outcome(session: Session, use: KeyUse) -> Outcome | None:
    """How an earlier use of the key ended; None while it is still running."""
    found = session.execute(_FIND, use.identity()).one_or_none()
    if found is None:
        return None
    answer = vault_of(session).decrypt(found.sealed_answer, context=use.context())
    return Outcome(found.digest, found.status, answer)


def keep(session: Session, use: KeyUse, *, status: int, answer: bytes) -> None:
    """Note how the reserved use ended; the answer may name people, so it is kept sealed."""
    sealed = vault_of(session).encrypt(answer, context=use.context())
    given = {f"of_{name}": value for name, value in use.identity().items()}
    session.execute(_KEEP, given | {"new_status": status, "new_answer": sealed})


def purge(session: Session, *, ended_before: datetime) -> int:
    """Forget keys that no phone will come back with; returns how many."""
    result: Any = session.execute(
        sa.delete(IdempotencyKey).where(IdempotencyKey.used_at < ended_before)
    )
    return int(result.rowcount)


@functools.cache
def _reserving(dialect: str) -> sa.UpdateBase:
    names = ("member_id", "operation", "key", "digest", "used_at")
    values = sa.select(*(sa.bindparam(name, type_=_TABLE.c[name].type) for name in names))
    if dialect == "sqlite":
        # Without a WHERE, SQLite takes ON CONFLICT for a join's ON.
        insert = sqlite.insert(_TABLE).from_select(names, values.where(sa.true()))
        return insert.on_conflict_do_nothing().returning(_TABLE.c.key)
    lock = sa.func.pg_try_advisory_xact_lock(sa.bindparam("lock_number", type_=sa.BigInteger))
    taking = postgresql.insert(_TABLE).from_select(names, values.where(lock))
    return taking.on_conflict_do_nothing().returning(_TABLE.c.key)


def _same_use(prefix: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        *(column == sa.bindparam(prefix + column.name) for column in _TABLE.primary_key.columns)
    )


# Every write runs them, so they are built once.
_FIND = sa.select(IdempotencyKey.digest, IdempotencyKey.status, IdempotencyKey.sealed_answer).where(
    _same_use("")
)
_KEEP = (
    sa.update(_TABLE)
    .where(_same_use("of_"))
    .values(status=sa.bindparam("new_status"), sealed_answer=sa.bindparam("new_answer"))
)
