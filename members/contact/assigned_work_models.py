"""Table of the work that the party assigned to members: the third duty of 党章 Art. 9."""

import enum
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime, one_of
from core.ids import new_id


class WorkState(enum.StrEnum):
    """What became of assigned work; a person who is not the member says so."""

    OPEN = "open"
    REFUSED = "refused"
    DONE = "done"
    EXCUSED = "excused"
    WITHDRAWN = "withdrawn"


UNDONE = (WorkState.OPEN, WorkState.REFUSED)
_SETTLED = "state IN ('done', 'excused', 'withdrawn')"


class AssignedWork(Base):
    """One piece of work for one member. Settled, it never changes again: a trigger refuses.

    It is no points item: nothing here touches points or a status.
    """

    __tablename__ = "assigned_work"
    __table_args__ = (
        one_of("state", WorkState),
        sa.CheckConstraint("title <> ''", name="title"),
        sa.CheckConstraint("due_on >= assigned_on", name="dates"),
        # Time before the branch wrote it down, or before it was due, is no time left undone.
        sa.CheckConstraint("counts_from >= assigned_on", name="counts_from"),
        sa.CheckConstraint("recorded_by <> member_id", name="not_oneself"),
        sa.CheckConstraint("answered_by <> member_id", name="answered_by_another"),
        sa.CheckConstraint("(state = 'open') = (answered_by IS NULL)", name="answered"),
        sa.CheckConstraint("(answered_by IS NULL) = (answered_at IS NULL)", name="answered_at"),
        sa.CheckConstraint(f"({_SETTLED}) = (settled_on IS NOT NULL)", name="settled"),
        sa.CheckConstraint("settled_on >= assigned_on", name="settled_on"),
        # Whoever says that somebody refused without a proper reason, or had one, names it.
        sa.CheckConstraint("state IN ('open', 'done') OR note <> ''", name="note"),
        sa.CheckConstraint("(own_word = '') = (own_word_at IS NULL)", name="own_word"),
        sa.Index("ix_assigned_work_member_id", "member_id", "id"),
        sa.Index("ix_assigned_work_organization_id", "organization_id", "id"),
        sa.Index("ix_assigned_work_settled_on", "settled_on", "counts_from"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    # His branch when it was assigned; after a transfer it counts no more.
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    title: Mapped[str] = mapped_column(sa.String(120))
    basis: Mapped[str] = mapped_column(sa.String(200), default="")
    document_number: Mapped[str] = mapped_column(sa.String(80), default="")
    assigned_on: Mapped[date] = mapped_column()
    due_on: Mapped[date] = mapped_column()
    # From this day on, if it is still undone, time counts.
    counts_from: Mapped[date] = mapped_column()
    recorded_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(sa.String(12), default=WorkState.OPEN)
    answered_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_on: Mapped[date | None] = mapped_column()
    note: Mapped[str] = mapped_column(sa.String(200), default="")
    # What the member says himself; a leader decides.
    own_word: Mapped[str] = mapped_column(sa.String(200), default="")
    own_word_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)
