"""Table of a district's thresholds for keeping in touch."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime


class ContactPolicy(Base):
    """A district's thresholds; the statutory minima are floors that no configuration goes under."""

    __tablename__ = "contact_policy"
    __table_args__ = (
        sa.CheckConstraint("care_days >= 7", name="care_days"),
        sa.CheckConstraint(
            "care_days < attention_days AND attention_days < warning_days"
            " AND warning_days < search_days AND search_days <= prelimit_months * 28"
            " AND prelimit_months < limit_months",
            name="order",
        ),
        sa.CheckConstraint("limit_months >= 6", name="limit_months"),
        sa.CheckConstraint("removal_months >= 24", name="removal_months"),
        sa.CheckConstraint("withdrawal_months >= 6", name="withdrawal_months"),
        sa.CheckConstraint("abroad_contact_months >= 6", name="abroad_contact_months"),
        sa.CheckConstraint("abroad_years >= 5", name="abroad_years"),
        sa.CheckConstraint(
            "touch_months >= 1 AND touch_months <= talk_months AND talk_months <= 6",
            name="cadence",
        ),
        sa.CheckConstraint(
            "limit_months <= 60 AND removal_months <= 240 AND withdrawal_months <= 60"
            " AND abroad_contact_months <= 60 AND abroad_years <= 50",
            name="range",
        ),
    )

    organization_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("organization.id"), primary_key=True
    )
    care_days: Mapped[int] = mapped_column()
    attention_days: Mapped[int] = mapped_column()
    warning_days: Mapped[int] = mapped_column()
    search_days: Mapped[int] = mapped_column()
    prelimit_months: Mapped[int] = mapped_column()
    limit_months: Mapped[int] = mapped_column()
    removal_months: Mapped[int] = mapped_column()
    withdrawal_months: Mapped[int] = mapped_column()
    abroad_contact_months: Mapped[int] = mapped_column()
    abroad_years: Mapped[int] = mapped_column()
    # How often a migrant is heard from: a light touch, and a talk, after so many months at most.
    touch_months: Mapped[int] = mapped_column(server_default="1")
    talk_months: Mapped[int] = mapped_column(server_default="3")
    set_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    set_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)
