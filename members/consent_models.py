"""Table of what members have agreed to, one row for each decision."""

import enum
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime, one_of
from core.ids import new_id


class ConsentPurpose(enum.StrEnum):
    """What a member may agree to; each purpose is asked for by itself (PIPL Art. 25)."""

    PUBLISH_SERVICE_RECORD = "publish_service_record"
    VERIFY_SERVICE_SHEET = "verify_service_sheet"
    HOST_CONTACT = "host_contact"


class Consent(Base):
    """A member's own decision about one text; append-only, the newest one counts."""

    __tablename__ = "consent"
    __table_args__ = (
        one_of("purpose", ConsentPurpose),
        sa.CheckConstraint("text_version >= 1", name="text_version"),
        # Nobody agrees for somebody else.
        sa.CheckConstraint("decided_by = member_id", name="oneself"),
        sa.Index("ix_consent_member_id", "member_id", "purpose", "decided_on"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    purpose: Mapped[str] = mapped_column(sa.String(32))
    text_version: Mapped[int] = mapped_column()
    is_given: Mapped[bool] = mapped_column()
    decided_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    decided_on: Mapped[date] = mapped_column()
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)
