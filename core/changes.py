"""The feed of changes that phones follow: which object changed, and for whom.

Triggers write it in the transaction of the change. Its numbers commit in any order, so on
PostgreSQL a position is (transaction, number), and what lies below the oldest transaction
still at work is settled: nothing can come in between any more (I12). SQLite has one writer,
whose numbers commit as they were given.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, UtcDateTime
from core.rows import dialect_of, row_source, rows_parameter

# Whoever has not asked for longer begins afresh.
KEPT = timedelta(days=90)

_BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TO_MEMBER = sa.text("member_id IS NOT NULL")
_TO_ORGANIZATION = sa.text("organization_id IS NOT NULL")


class Change(Base):
    """One object that changed, for one member, for a circle of one organisation, or for both.

    It says that something changed and not what: whoever hears of it reads the object as he may
    see it now. Nothing refers to it, and it refers to nothing that could not be gone.
    """

    __tablename__ = "change"
    __table_args__ = (
        sa.CheckConstraint("circle BETWEEN 0 AND 2", name="circle"),
        sa.CheckConstraint("member_id IS NOT NULL OR organization_id IS NOT NULL", name="audience"),
        sa.Index(
            "ix_change_member_id",
            "member_id",
            "xid",
            "seq",
            postgresql_where=_TO_MEMBER,
            sqlite_where=_TO_MEMBER,
        ),
        sa.Index(
            "ix_change_organization_id",
            "organization_id",
            "circle",
            "xid",
            "seq",
            postgresql_where=_TO_ORGANIZATION,
            sqlite_where=_TO_ORGANIZATION,
        ),
        {"sqlite_autoincrement": True},
    )

    seq: Mapped[int] = mapped_column(_BIGINT, sa.Identity(always=True), primary_key=True)
    xid: Mapped[int] = mapped_column(sa.BigInteger())
    kind: Mapped[str] = mapped_column(sa.String(20))
    object_id: Mapped[UUID] = mapped_column()
    member_id: Mapped[UUID | None] = mapped_column()
    organization_id: Mapped[UUID | None] = mapped_column()
    circle: Mapped[int] = mapped_column(sa.SmallInteger())
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Position(NamedTuple):
    """A place in the feed; compares as the feed is ordered."""

    xid: int
    seq: int


class Noted(NamedTuple):
    """One line of the feed as a reader gets it."""

    xid: int
    seq: int
    kind: str
    object_id: UUID

    @property
    def position(self) -> Position:
        """Where it stands."""
        return Position(self.xid, self.seq)


class Audience(NamedTuple):
    """A circle of an organisation to which a reader listens."""

    organization_id: UUID
    circle: int


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far the feed is settled, and which history it belongs to.

    Args:
        settled: everything up to here has ended, and can be read by every later statement.
        history: changes with another database, and with one that was restored to an earlier
            state: positions of the other history mean nothing in this one.
    """

    settled: Position
    history: str


def look(session: Session) -> Horizon:
    """The horizon at this moment; one statement."""
    xid, seq, history = session.execute(_LOOK[dialect_of(session)]).one()
    return Horizon(Position(xid, seq), history)


def read(
    session: Session,
    member_id: UUID,
    audiences: Sequence[Audience],
    *,
    after: Position,
    limit: int,
) -> list[Noted]:
    """What was noted behind a position for a member or these audiences; one statement.

    Lines of transactions that have committed, settled or not, in the order of the feed.
    """
    rows = [{"organization_id": one.organization_id, "circle": one.circle} for one in audiences]
    values = {"member": member_id, "xid": after.xid, "seq": after.seq, "most": limit}
    found = session.execute(_reading(dialect_of(session)), values | rows_parameter(session, rows))
    return [Noted(*row) for row in found]


def purge(session: Session, *, ended_before: datetime) -> int:
    """Delete what was noted before an instant; return how many lines."""
    lines = session.scalars(
        sa.delete(Change)
        .where(Change.at < ended_before)
        .returning(Change.seq)
        .execution_options(synchronize_session=False)
    )
    return len(lines.all())


# Another cluster has another identifier, and one that was restored or promoted another timeline.
_LOOK = {
    "postgresql": sa.text("""
        SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, 0,
          system_identifier || '.' || left(pg_walfile_name(pg_current_wal_lsn()), 8)
        FROM pg_control_system()
    """),
    # Not the greatest number in the table, which may have been purged.
    "sqlite": sa.text("""
        SELECT 0, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'change'), 0), ''
    """),
}


@cache
def _reading(dialect: str) -> sa.CompoundSelect[Any]:
    """A page of each audience, merged: no reader walks over what is for others.

    An `organization_id IN (...)` would read and sort everything behind the position.
    """
    given = row_source(dialect, {"organization_id": sa.Uuid(), "circle": sa.SmallInteger()})
    xid, seq = sa.bindparam("xid", type_=sa.BigInteger), sa.bindparam("seq", type_=sa.BigInteger)
    # SQLite does not look for a pair in an index; there all lines have one transaction number.
    behind = (
        (Change.xid == xid) & (Change.seq > seq)
        if dialect == "sqlite"
        else sa.tuple_(Change.xid, Change.seq) > sa.tuple_(xid, seq)
    )
    own = _page(Change.member_id == sa.bindparam("member", type_=sa.Uuid), behind)
    theirs = _page(
        Change.organization_id == given.c.organization_id, Change.circle == given.c.circle, behind
    )
    if dialect == "sqlite":
        # It has no LATERAL; an IN with a query that refers to the row beside it does the same.
        numbers = theirs.with_only_columns(Change.seq).correlate(given)
        line = sa.orm.aliased(Change)
        heard = sa.select(line.xid, line.seq, line.kind, line.object_id).select_from(
            sa.join(given, line, line.seq.in_(numbers))
        )
    else:
        page = theirs.correlate(given).lateral("heard")
        heard = sa.select(*page.c).select_from(sa.join(given, page, sa.true()))
    together = sa.union(sa.select(own.subquery()), heard)
    return together.order_by(sa.text("xid"), sa.text("seq")).limit(
        sa.bindparam("most", type_=sa.Integer)
    )


def _page(*conditions: sa.ColumnElement[bool]) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(Change.xid, Change.seq, Change.kind, Change.object_id)
        .where(*conditions)
        .order_by(Change.xid, Change.seq)
        .limit(sa.bindparam("most", type_=sa.Integer))
    )
