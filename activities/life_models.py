"""Tables of organisation life: expected lists with attendance, leave, check-ins, make-up."""

import enum
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime, one_of
from core.ids import new_id
from members.models import AffiliationKind, MemberKind


class AttendanceStatus(enum.StrEnum):
    """How somebody attended; null in the table until somebody has said so."""

    PRESENT = "present"
    PRESENT_REMOTE = "present_remote"
    PRESENT_ELSEWHERE = "present_elsewhere"
    LEAVE_APPROVED = "leave_approved"
    ABSENT_UNEXCUSED = "absent_unexcused"
    EXEMPT = "exempt"
    MADE_UP = "made_up"


ATTENDED = frozenset(
    {
        AttendanceStatus.PRESENT,
        AttendanceStatus.PRESENT_REMOTE,
        AttendanceStatus.PRESENT_ELSEWHERE,
        AttendanceStatus.MADE_UP,
    }
)


class AttendanceOrigin(enum.StrEnum):
    """Where a status comes from; `closing` is presumed, everything else somebody has said."""

    ROLL_CALL = "roll_call"
    PAPER = "paper"
    CHECK_IN = "check_in"
    LEAVE = "leave"
    MAKE_UP = "make_up"
    EXEMPTION = "exemption"
    CLOSING = "closing"


class LeaveReason(enum.StrEnum):
    """The kinds of reasons: 病、事、公差、其他; never a diagnosis."""

    SICK = "sick"
    PERSONAL = "personal"
    OFFICIAL = "official"
    OTHER = "other"


class LeaveStatus(enum.StrEnum):
    """requested -> approved | refused | withdrawn."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ActivityOrganization(Base):
    """A further organisation whose members take part in a joint activity."""

    __tablename__ = "activity_organization"

    activity_id: Mapped[UUID] = mapped_column(sa.ForeignKey("activity.id"), primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("organization.id"), primary_key=True, index=True
    )


class Attendance(Base):
    """One member on the list of one activity: where he belonged that day, and how he attended.

    The ledger's source is this row with its revision, so several kinds of one meeting give
    points once. The status is the newest revision of its events.
    """

    __tablename__ = "attendance"
    __table_args__ = (
        one_of("status", AttendanceStatus),
        one_of("origin", AttendanceOrigin),
        one_of("affiliation_kind", AffiliationKind),
        one_of("member_kind", MemberKind),
        sa.CheckConstraint("(status IS NULL) = (origin IS NULL)", name="said"),
        sa.CheckConstraint("(status IS NULL) = (revision = 0)", name="revision"),
        sa.CheckConstraint("status <> 'exempt' OR is_exempt", name="exempt"),
        sa.UniqueConstraint("activity_id", "member_id"),
        sa.Index("ix_attendance_member_id", "member_id", "activity_id"),
        sa.Index("ix_attendance_organization_id", "organization_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    activity_id: Mapped[UUID] = mapped_column(sa.ForeignKey("activity.id"))
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    # The organisation that he attends with, and his own branch that day, whose scheme counts.
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    party_group_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("organization.id"))
    home_organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    affiliation_kind: Mapped[str] = mapped_column(sa.String(24))
    member_kind: Mapped[str] = mapped_column(sa.String(24))
    # A guest may come; only who is expected can be absent.
    is_expected: Mapped[bool] = mapped_column()
    is_exempt: Mapped[bool] = mapped_column()
    status: Mapped[str | None] = mapped_column(sa.String(20))
    origin: Mapped[str | None] = mapped_column(sa.String(12))
    revision: Mapped[int] = mapped_column(default=0)


class AttendanceEvent(Base):
    """One append-only revision of an attendance: who said what when, and why."""

    __tablename__ = "attendance_event"
    __table_args__ = (
        one_of("status", AttendanceStatus),
        one_of("origin", AttendanceOrigin),
        sa.CheckConstraint("revision >= 1", name="revision"),
        sa.UniqueConstraint("attendance_id", "revision"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    attendance_id: Mapped[UUID] = mapped_column(sa.ForeignKey("attendance.id"))
    revision: Mapped[int] = mapped_column()
    status: Mapped[str] = mapped_column(sa.String(20))
    origin: Mapped[str] = mapped_column(sa.String(12))
    reason: Mapped[str] = mapped_column(sa.String(200), default="")
    entered_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LeaveRequest(Base):
    """A leave asked for before the start, or entered afterwards by the secretary (domain 3)."""

    __tablename__ = "leave_request"
    __table_args__ = (
        one_of("reason_kind", LeaveReason),
        one_of("status", LeaveStatus),
        # Nobody decides his own leave, whatever the service code does.
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> member_id", name="not_oneself"),
        sa.CheckConstraint(
            "(status IN ('approved', 'refused')) = (decided_by IS NOT NULL)", name="decided"
        ),
        sa.CheckConstraint("NOT is_after_the_fact OR decision_reason <> ''", name="after_the_fact"),
        sa.Index(
            "uq_leave_request_live",
            "activity_id",
            "member_id",
            unique=True,
            postgresql_where=sa.text("status IN ('requested', 'approved')"),
            sqlite_where=sa.text("status IN ('requested', 'approved')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    activity_id: Mapped[UUID] = mapped_column(sa.ForeignKey("activity.id"))
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), index=True)
    reason_kind: Mapped[str] = mapped_column(sa.String(10))
    note: Mapped[str] = mapped_column(sa.String(200), default="")
    status: Mapped[str] = mapped_column(sa.String(10), default=LeaveStatus.REQUESTED)
    is_after_the_fact: Mapped[bool] = mapped_column(default=False)
    requested_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decision_reason: Mapped[str] = mapped_column(sa.String(200), default="")


class CheckInMethod(enum.StrEnum):
    """How the code of an activity was read."""

    TOKEN = "token"  # noqa: S105 - the word for what a QR code holds
    DIGITS = "digits"


class CheckIn(Base):
    """A fresh code that a member has read, once per activity; append-only, no device is kept.

    `is_applied` is false where somebody has said otherwise after the closing: people decide.
    """

    __tablename__ = "check_in"
    __table_args__ = (
        one_of("method", CheckInMethod),
        sa.UniqueConstraint("activity_id", "member_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    activity_id: Mapped[UUID] = mapped_column(sa.ForeignKey("activity.id"))
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    method: Mapped[str] = mapped_column(sa.String(8))
    # What the phone claims, and when it reached the server.
    scanned_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_applied: Mapped[bool] = mapped_column()


class CodeTry(Base):
    """Wrong digits of a member at one activity; the CHECK is what no crowd of guesses passes."""

    __tablename__ = "code_try"
    __table_args__ = (sa.CheckConstraint("wrong BETWEEN 1 AND 5", name="wrong"),)

    activity_id: Mapped[UUID] = mapped_column(sa.ForeignKey("activity.id"), primary_key=True)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), primary_key=True)
    wrong: Mapped[int] = mapped_column()


class MakeUp(Base):
    """补学: what was missed was made up, and somebody else confirms it; append-only."""

    __tablename__ = "make_up"
    __table_args__ = (
        sa.CheckConstraint("confirmed_by <> member_id", name="not_oneself"),
        sa.Index("ix_make_up_attendance_id", "attendance_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    attendance_id: Mapped[UUID] = mapped_column(sa.ForeignKey("attendance.id"))
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    made_up_on: Mapped[date] = mapped_column()
    content: Mapped[str] = mapped_column(sa.String(200))
    confirmed_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    confirmed_at: Mapped[datetime] = mapped_column(UtcDateTime)
