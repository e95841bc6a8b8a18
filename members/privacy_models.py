"""Tables of members' own keys, of who saw a number in full, and of erasures."""

import enum
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime, one_of
from core.ids import new_id


class NumberKind(enum.StrEnum):
    """Which of a member's numbers is shown in full."""

    PHONE = "phone"
    ID_NUMBER = "id_number"


class MemberKey(Base):
    """The key of one member's sealed values, itself sealed; without it they are noise."""

    __tablename__ = "member_key"

    member_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("member.id", ondelete="CASCADE"), primary_key=True
    )
    key_sealed: Mapped[bytes] = mapped_column()


class PersonalDataAccess(Base):
    """A number of a member that was shown in full to somebody; append-only.

    `ordinal` counts a person's showings of one day, so that no two of them are the same one.
    """

    __tablename__ = "personal_data_access"
    __table_args__ = (
        one_of("kind", NumberKind),
        sa.CheckConstraint("purpose <> ''", name="purpose"),
        sa.CheckConstraint("ordinal >= 1", name="ordinal"),
        sa.CheckConstraint("actor_id <> member_id", name="not_oneself"),
        sa.UniqueConstraint("actor_id", "on_day", "ordinal"),
        sa.Index("ix_personal_data_access_member_id", "member_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    actor_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    kind: Mapped[str] = mapped_column(sa.String(12))
    purpose: Mapped[str] = mapped_column(sa.String(200))
    on_day: Mapped[date] = mapped_column()
    ordinal: Mapped[int] = mapped_column()
    request_id: Mapped[str] = mapped_column(sa.String(40))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Erasure(Base):
    """One person's request to erase a member, which another answers."""

    __tablename__ = "erasure"
    __table_args__ = (
        sa.CheckConstraint("reason <> '' AND basis <> ''", name="named"),
        sa.CheckConstraint(
            "(answered_by IS NULL) = (answered_at IS NULL)"
            " AND (answered_by IS NULL) = (is_confirmed IS NULL)",
            name="answered",
        ),
        sa.CheckConstraint("answered_by <> requested_by", name="two_persons"),
        sa.CheckConstraint(
            "requested_by <> member_id AND (answered_by IS NULL OR answered_by <> member_id)",
            name="not_oneself",
        ),
        sa.Index(
            "uq_erasure_open",
            "member_id",
            unique=True,
            postgresql_where=sa.text("answered_by IS NULL"),
            sqlite_where=sa.text("answered_by IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    reason: Mapped[str] = mapped_column(sa.String(200))
    basis: Mapped[str] = mapped_column(sa.String(200))
    requested_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_confirmed: Mapped[bool | None] = mapped_column()


class ShredLogEntry(Base):
    """A member who was erased; append-only, and done again after every restore.

    Without persons, an operator did it at the command line.
    """

    __tablename__ = "shred_log"
    __table_args__ = (
        sa.CheckConstraint("reason <> '' AND basis <> ''", name="named"),
        sa.CheckConstraint(
            "(requested_by IS NULL) = (confirmed_by IS NULL) AND requested_by <> confirmed_by",
            name="two_persons",
        ),
    )

    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), primary_key=True)
    reason: Mapped[str] = mapped_column(sa.String(200))
    basis: Mapped[str] = mapped_column(sa.String(200))
    requested_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    confirmed_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
