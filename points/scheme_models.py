"""Tables of the life of schemes: who may draft them, and what a draft would have changed."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Json, UtcDateTime
from core.ids import new_id


class SchemeDelegation(Base):
    """The district lets a committee write schemes for its own subtree, on known days."""

    __tablename__ = "scheme_delegation"
    __table_args__ = (
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="dates"),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revocation"),
        sa.Index(
            "uq_scheme_delegation_live",
            "organization_id",
            unique=True,
            postgresql_where=sa.text("revoked_at IS NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("revoked_at IS NULL AND valid_to IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    valid_from: Mapped[date] = mapped_column()
    valid_to: Mapped[date | None] = mapped_column()
    basis: Mapped[str] = mapped_column(sa.String(200))
    granted_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    granted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SchemeSimulation(Base):
    """One replay of a year, up to a day, under a text that is pinned here; and how far it is.

    Args:
        definition: the text as it was asked for; editing the draft does not change it.
        last_member_id: behind whom the next chunk goes on.
    """

    __tablename__ = "scheme_simulation"
    __table_args__ = (sa.CheckConstraint("examined >= 0", name="examined"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    scheme_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("points_scheme_version.id", ondelete="CASCADE"), index=True
    )
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    definition: Mapped[dict[str, Any]] = mapped_column(Json)
    year: Mapped[int] = mapped_column()
    through_on: Mapped[date] = mapped_column()
    requested_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_member_id: Mapped[UUID | None] = mapped_column()
    examined: Mapped[int] = mapped_column(default=0)


class SchemeSimulationChange(Base):
    """One member whose total or band would differ; null where he has, or would have, no score."""

    __tablename__ = "scheme_simulation_change"

    simulation_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("scheme_simulation.id", ondelete="CASCADE"), primary_key=True
    )
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    party_group_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("organization.id"))
    total_before: Mapped[int | None] = mapped_column()
    total_after: Mapped[int | None] = mapped_column()
    band_before: Mapped[str | None] = mapped_column(sa.String(40))
    band_after: Mapped[str | None] = mapped_column(sa.String(40))
