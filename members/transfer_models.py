"""Tables of transfers under way, and of graduates whose relation still stands at their school."""

import enum
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime, one_of
from core.ids import new_id


class TransferStatus(enum.StrEnum):
    """The sender is responsible while it is `sent`, and stays so unless it is `accepted`."""

    SENT = "sent"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


class Transfer(Base):
    """One letter of transfer from a branch to another, or to an organisation outside."""

    __tablename__ = "transfer"
    __table_args__ = (
        one_of("status", TransferStatus),
        sa.CheckConstraint(
            "(receiver_organization_id IS NULL) <> (receiver_name = '')", name="one_receiver"
        ),
        sa.CheckConstraint(
            "receiver_organization_id IS NULL"
            " OR receiver_organization_id <> sender_organization_id",
            name="elsewhere",
        ),
        sa.CheckConstraint("letter_valid_to > letter_on", name="letter"),
        sa.CheckConstraint("(status = 'sent') = (decided_at IS NULL)", name="decided"),
        sa.CheckConstraint("(decided_at IS NULL) = (decided_by IS NULL)", name="decided_by"),
        sa.CheckConstraint("(status = 'accepted') = (accepted_on IS NOT NULL)", name="accepted_on"),
        sa.CheckConstraint(
            "status NOT IN ('returned', 'withdrawn') OR decision_reason <> ''", name="reason"
        ),
        # Nobody moves himself, and whoever sends a letter does not answer it. What an organisation
        # outside answered is entered by the sender, from a document.
        sa.CheckConstraint("sent_by <> member_id AND decided_by <> member_id", name="not_oneself"),
        sa.CheckConstraint(
            "status NOT IN ('accepted', 'returned') OR receiver_organization_id IS NULL"
            " OR decided_by <> sent_by",
            name="two_persons",
        ),
        sa.CheckConstraint(
            "status <> 'accepted' OR receiver_organization_id IS NOT NULL OR document_number <> ''",
            name="outside_document",
        ),
        sa.Index(
            "uq_transfer_open",
            "member_id",
            unique=True,
            postgresql_where=sa.text("status = 'sent'"),
            sqlite_where=sa.text("status = 'sent'"),
        ),
        sa.Index("ix_transfer_sender_organization_id", "sender_organization_id", "status"),
        sa.Index("ix_transfer_receiver_organization_id", "receiver_organization_id", "status"),
        sa.Index("ix_transfer_sent_on", "status", "sent_on"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    sender_organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    receiver_organization_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("organization.id"))
    receiver_name: Mapped[str] = mapped_column(sa.String(80), default="")
    reason: Mapped[str] = mapped_column(sa.String(200))
    letter_number: Mapped[str] = mapped_column(sa.String(40))
    letter_on: Mapped[date] = mapped_column()
    letter_valid_to: Mapped[date] = mapped_column()
    status: Mapped[str] = mapped_column(sa.String(12), default=TransferStatus.SENT)
    sent_on: Mapped[date] = mapped_column()
    sent_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decision_reason: Mapped[str] = mapped_column(sa.String(200), default="")
    document_number: Mapped[str] = mapped_column(sa.String(80), default="")
    accepted_on: Mapped[date | None] = mapped_column()


class Graduate(Base):
    """A graduate whose relation stays at the school for now: two years at most (Art. 34)."""

    __tablename__ = "graduate"
    __table_args__ = (sa.CheckConstraint("recorded_by <> member_id", name="not_oneself"),)

    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    graduated_on: Mapped[date] = mapped_column()
    recorded_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
