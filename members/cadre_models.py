"""The table of village and community cadres."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime
from core.ids import new_id


class CadreAppointment(Base):
    """Who is a cadre of which village or community, from one day to the next."""

    __tablename__ = "cadre_appointment"
    __table_args__ = (
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="dates"),
        # An appointment decides which rules score a person, so somebody else records it.
        sa.CheckConstraint("recorded_by <> member_id", name="not_oneself"),
        sa.Index(
            "uq_cadre_appointment_open",
            "member_id",
            unique=True,
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        ),
        sa.Index("ix_cadre_appointment_member_id", "member_id", "valid_from"),
        sa.Index("ix_cadre_appointment_organization_id", "organization_id", "valid_to"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    post: Mapped[str] = mapped_column(sa.String(60))
    basis: Mapped[str] = mapped_column(sa.String(200))
    valid_from: Mapped[date] = mapped_column()
    valid_to: Mapped[date | None] = mapped_column()
    recorded_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
