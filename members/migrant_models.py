"""Tables of migrant members: who is away, who keeps in touch with him, and who hosts him."""

import enum
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime, one_of
from core.ids import new_id
from members.contact.models import ReasonCode


class RegistrationStatus(enum.StrEnum):
    """`proposed` by the member himself or a register; `open` when his branch has accepted it."""

    PROPOSED = "proposed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    OPEN = "open"
    CLOSED = "closed"


class CardOutcome(enum.StrEnum):
    """What became of an activity card: checked on return, lost, or void with the transfer."""

    CHECKED = "checked"
    LOST = "lost"
    LAPSED = "lapsed"


class PlacementStatus(enum.StrEnum):
    """A host is asked and answers; an accepted placement ends on a day."""

    ASKED = "asked"
    DECLINED = "declined"
    ACCEPTED = "accepted"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


class TouchKind(enum.StrEnum):
    """How the member was met: the kinds of soft contact (domain 5.3)."""

    ANSWERED_CALL = "answered_call"
    REPLY = "reply"
    VISIT = "visit"
    HOST_CONFIRMED = "host_confirmed"


class MigrantRegistration(Base):
    """One absence of one member: since when, in which city, why, with which card."""

    __tablename__ = "migrant_registration"
    __table_args__ = (
        one_of("status", RegistrationStatus),
        one_of("reason_code", ReasonCode),
        one_of("card_outcome", CardOutcome),
        sa.CheckConstraint("expected_back_on > left_on", name="dates"),
        sa.CheckConstraint("returned_on >= left_on", name="return"),
        sa.CheckConstraint("card_number = '' OR holds_card", name="card"),
        sa.CheckConstraint(
            "status <> 'closed' OR holds_card = (card_outcome IS NOT NULL)", name="card_checked"
        ),
        sa.CheckConstraint("(status = 'closed') = (returned_on IS NOT NULL)", name="closed"),
        sa.CheckConstraint("(status = 'proposed') = (decided_by IS NULL)", name="decided"),
        # A proposal may be the member's own; what becomes of it is decided by somebody else.
        sa.CheckConstraint(
            "status IN ('proposed', 'withdrawn') OR decided_by <> member_id", name="not_oneself"
        ),
        sa.CheckConstraint("status <> 'declined' OR decision_reason <> ''", name="reason"),
        sa.CheckConstraint("closed_by <> member_id", name="not_closed_by_oneself"),
        sa.Index(
            "uq_migrant_registration_live",
            "member_id",
            unique=True,
            postgresql_where=sa.text("status IN ('proposed', 'open')"),
            sqlite_where=sa.text("status IN ('proposed', 'open')"),
        ),
        sa.Index("ix_migrant_registration_status", "status", "member_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    # Where he belonged when it was entered; who is responsible is his primary affiliation.
    home_organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    status: Mapped[str] = mapped_column(sa.String(12))
    left_on: Mapped[date] = mapped_column()
    expected_back_on: Mapped[date | None] = mapped_column()
    city: Mapped[str] = mapped_column(sa.String(40))
    reason_code: Mapped[str] = mapped_column(sa.String(24))
    holds_card: Mapped[bool] = mapped_column()
    card_number: Mapped[str] = mapped_column(sa.String(40), default="")
    entered_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    decided_on: Mapped[date | None] = mapped_column()
    decision_reason: Mapped[str] = mapped_column(sa.String(200), default="")
    # The branch's decision to count him as a migrant; without one his class stays as it is.
    class_decision: Mapped[str] = mapped_column(sa.String(200), default="")
    # The latest of its touches, kept with each one: reminders and lists look here.
    last_touch_on: Mapped[date | None] = mapped_column()
    last_talk_on: Mapped[date | None] = mapped_column()
    returned_on: Mapped[date | None] = mapped_column()
    card_outcome: Mapped[str | None] = mapped_column(sa.String(12))
    closed_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    closing_note: Mapped[str] = mapped_column(sa.String(200), default="")


class MigrantPlace(Base):
    """Where a member said, or was said, to be from then on; append-only."""

    __tablename__ = "migrant_place"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    registration_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("migrant_registration.id"), index=True
    )
    city: Mapped[str] = mapped_column(sa.String(40))
    expected_back_on: Mapped[date | None] = mapped_column()
    reported_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    reported_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MigrantContact(Base):
    """Who at home keeps in touch with a migrant, from one day to the next, and who said so."""

    __tablename__ = "migrant_contact"
    __table_args__ = (
        sa.CheckConstraint("contact_id <> migrant_id", name="somebody_else"),
        sa.CheckConstraint("set_by <> migrant_id", name="not_by_oneself"),
        sa.CheckConstraint("valid_to >= valid_from", name="dates"),
        sa.Index(
            "uq_migrant_contact_open",
            "registration_id",
            unique=True,
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        ),
        sa.Index("ix_migrant_contact_contact_id", "contact_id", "valid_to"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    registration_id: Mapped[UUID] = mapped_column(sa.ForeignKey("migrant_registration.id"))
    migrant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    contact_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    valid_from: Mapped[date] = mapped_column()
    valid_to: Mapped[date | None] = mapped_column()
    set_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    set_at: Mapped[datetime] = mapped_column(UtcDateTime)


class HostPlacement(Base):
    """A host branch that was asked to take a migrant in, and what it answered."""

    __tablename__ = "host_placement"
    __table_args__ = (
        one_of("status", PlacementStatus),
        sa.CheckConstraint("(status = 'asked') = (answered_by IS NULL)", name="answered"),
        sa.CheckConstraint("answered_by <> migrant_id", name="not_oneself"),
        sa.CheckConstraint("status <> 'declined' OR answer_reason <> ''", name="reason"),
        sa.CheckConstraint(
            "(status IN ('accepted', 'ended')) = (affiliation_id IS NOT NULL)", name="affiliation"
        ),
        sa.Index(
            "uq_host_placement_live",
            "registration_id",
            unique=True,
            postgresql_where=sa.text("status IN ('asked', 'accepted')"),
            sqlite_where=sa.text("status IN ('asked', 'accepted')"),
        ),
        sa.Index("ix_host_placement_organization_id", "organization_id", "status"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    registration_id: Mapped[UUID] = mapped_column(sa.ForeignKey("migrant_registration.id"))
    migrant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    status: Mapped[str] = mapped_column(sa.String(12), default=PlacementStatus.ASKED)
    asked_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answer_reason: Mapped[str] = mapped_column(sa.String(200), default="")
    affiliation_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("affiliation.id"))


class MigrantTouch(Base):
    """One time somebody heard from a migrant; append-only, and the source of a contact fact."""

    __tablename__ = "migrant_touch"
    __table_args__ = (
        one_of("kind", TouchKind),
        sa.CheckConstraint("recorded_by <> migrant_id", name="not_oneself"),
        sa.CheckConstraint("kind <> 'host_confirmed' OR NOT is_talk", name="talk"),
        sa.Index("ix_migrant_touch_registration_id", "registration_id", "happened_on"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    registration_id: Mapped[UUID] = mapped_column(sa.ForeignKey("migrant_registration.id"))
    migrant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    kind: Mapped[str] = mapped_column(sa.String(16))
    is_talk: Mapped[bool] = mapped_column()
    happened_on: Mapped[date] = mapped_column()
    note: Mapped[str] = mapped_column(sa.String(200), default="")
    recorded_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
