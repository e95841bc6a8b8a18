"""Table of the copies that members ask for of their own data (PIPL article 45)."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime
from core.ids import new_id


class DataCopy(Base):
    """One copy: asked for, written by a job, read by link, deleted after its term.

    It is sealed with the member's own key and kept beside his rows: an erasure takes it with them,
    and no backup gives it back.
    """

    __tablename__ = "data_copy"
    __table_args__ = (
        sa.CheckConstraint("expires_at > requested_at", name="term"),
        sa.CheckConstraint(
            "(content_sealed IS NULL) = (sha256 IS NULL)"
            " AND (content_sealed IS NULL) = (byte_count IS NULL)",
            name="ready",
        ),
        sa.Index("ix_data_copy_member_id", "member_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    # Of the work that writes it; its record may be gone before the copy.
    job_id: Mapped[UUID] = mapped_column()
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    content_sealed: Mapped[bytes | None] = mapped_column(sa.LargeBinary, deferred=True)
    byte_count: Mapped[int | None] = mapped_column()
    sha256: Mapped[str | None] = mapped_column(sa.String(64))
