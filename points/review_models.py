"""Tables of reviewing: what one request decided, so that it can be undone, and recusals."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime
from core.ids import new_id


class ReviewBatch(Base):
    """What a reviewer decided in one request; for some minutes he may take all of it back."""

    __tablename__ = "review_batch"
    __table_args__ = (
        sa.CheckConstraint("undone_at IS NULL OR undone_at <= undo_until", name="undone_in_time"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    reviewer_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    reviewed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    undo_until: Mapped[datetime] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ReviewBatchDecision(Base):
    """One decision of a batch, append-only; the version tells whether it is still the last one."""

    __tablename__ = "review_batch_decision"

    review_id: Mapped[UUID] = mapped_column(sa.ForeignKey("review_batch.id"), primary_key=True)
    claim_id: Mapped[UUID] = mapped_column(sa.ForeignKey("claim.id"), primary_key=True)
    # The claim's version after the decision.
    version: Mapped[int] = mapped_column()
    # Empty where the claim was returned.
    entry_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("ledger_entry.id"))


class Recusal(Base):
    """A reviewer's word that he is too close to a member or a claim to decide; for good."""

    __tablename__ = "recusal"
    __table_args__ = (
        sa.CheckConstraint("(member_id IS NULL) <> (claim_id IS NULL)", name="one_target"),
        sa.CheckConstraint("reason <> ''", name="reason"),
        sa.UniqueConstraint("reviewer_id", "member_id"),
        sa.UniqueConstraint("reviewer_id", "claim_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    reviewer_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    member_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    claim_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("claim.id"))
    reason: Mapped[str] = mapped_column(sa.String(200))
    declared_at: Mapped[datetime] = mapped_column(UtcDateTime)
