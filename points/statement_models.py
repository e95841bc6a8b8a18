"""Tables of closed periods: how a close began, sealed statements, totals, what was carried over."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Json, UtcDateTime, one_of
from core.ids import new_id
from points.models import Subject


class PeriodClosing(Base):
    """The append-only beginning of a close: by whom, and what was still waiting.

    From its commit on the period takes no entries; there is no way back to open.
    """

    __tablename__ = "period_closing"

    period_id: Mapped[UUID] = mapped_column(sa.ForeignKey("points_period.id"), primary_key=True)
    # Empty for the operator of the machine, who is no member.
    begun_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Why the period was closed although something was waiting; empty when nothing was.
    late_reason: Mapped[str] = mapped_column(sa.String(200), default="")
    waiting: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class PeriodStatement(Base):
    """A member's points of a closed period, append-only; `content` is the exact text sealed."""

    __tablename__ = "period_statement"
    __table_args__ = (
        one_of("subject", Subject),
        sa.UniqueConstraint("period_id", "subject", "member_id"),
        sa.Index("ix_period_statement_member", "member_id", "period_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    period_id: Mapped[UUID] = mapped_column(sa.ForeignKey("points_period.id"))
    subject: Mapped[str] = mapped_column(sa.String(20))
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    # Where he belonged on the last day and what scored him there; empty where nothing did.
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    scheme_version_id: Mapped[UUID | None] = mapped_column(
        sa.ForeignKey("points_scheme_version.id")
    )
    total: Mapped[int | None] = mapped_column()
    # Canonical JSON: the bytes that the digest is over, so never a JSON column.
    content: Mapped[str] = mapped_column(sa.Text)
    sha256: Mapped[str] = mapped_column(sa.String(64))
    sealed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PeriodSeal(Base):
    """What a period was closed with, append-only: today's ledger must still add up to it (I9)."""

    __tablename__ = "period_seal"

    period_id: Mapped[UUID] = mapped_column(sa.ForeignKey("points_period.id"), primary_key=True)
    statements: Mapped[int] = mapped_column()
    entries: Mapped[int] = mapped_column()
    points: Mapped[int] = mapped_column(sa.BigInteger)
    # Over the digests of the statements, by subject and then in member order.
    sha256: Mapped[str] = mapped_column(sa.String(64))
    sealed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PeriodOpening(Base):
    """That a new period takes over from the closed one before it, append-only.

    A reset posts nothing, and this row is how one knows that it was applied.
    """

    __tablename__ = "period_opening"

    period_id: Mapped[UUID] = mapped_column(sa.ForeignKey("points_period.id"), primary_key=True)
    from_period_id: Mapped[UUID] = mapped_column(sa.ForeignKey("points_period.id"), unique=True)
    # Rollover -> number of statements that it applies to.
    rollovers: Mapped[dict[str, int]] = mapped_column(Json)
    opened_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
