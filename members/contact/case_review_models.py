"""Table of the committees' reviews of a case file, before anybody studies a decision."""

import enum
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime, one_of
from core.ids import new_id


class ReviewFinding(enum.StrEnum):
    """What a committee found in the file; none of it decides about the member."""

    CONTINUE = "continue_searching"
    RETURNED = "return_with_gaps"
    READY = "ready_for_study"


class CaseReview(Base):
    """One review, as a named person entered it; append-only."""

    __tablename__ = "case_review"
    __table_args__ = (
        one_of("finding", ReviewFinding),
        sa.CheckConstraint("body <> ''", name="body"),
        sa.CheckConstraint("document_number <> '' OR note <> ''", name="named"),
        sa.CheckConstraint("finding <> 'return_with_gaps' OR note <> ''", name="gaps"),
        sa.CheckConstraint("recorded_by <> member_id", name="not_oneself"),
        sa.Index("ix_case_review_case_id", "case_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(sa.ForeignKey("contact_case.id"))
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    body: Mapped[str] = mapped_column(sa.String(120))
    reviewed_on: Mapped[date] = mapped_column()
    finding: Mapped[str] = mapped_column(sa.String(20))
    document_number: Mapped[str] = mapped_column(sa.String(80))
    note: Mapped[str] = mapped_column(sa.String(500))
    recorded_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
