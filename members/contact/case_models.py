"""Tables of what people do with a case, and of decisions about membership."""

import enum
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime, one_of
from core.ids import new_id
from members.contact.membership_rules import DecisionGround, DecisionKind
from members.contact.models import AssigneeRole
from members.contact.search_words import ContactedPerson, Outcome, SearchMethod
from members.models import MembershipStatus


class ContactRelation(enum.StrEnum):
    """Whose number it is: the member's own, or that of his alternate contact."""

    MEMBER = "member"
    SPOUSE = "spouse"
    PARENT = "parent"
    CHILD = "child"
    OTHER_RELATIVE = "other_relative"
    FRIEND = "friend"
    EMPLOYER = "employer"


class AccessKind(enum.StrEnum):
    """What of a case was shown to somebody."""

    LIST = "list"
    CASE = "case"
    NUMBER = "number"
    FORM = "form"


class ContestState(enum.StrEnum):
    """Where a member's objection to his case stands; a person answers it."""

    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"


class ContactNumber(Base):
    """A further phone of a member, or of his alternate contact; sealed like the roster's phone.

    The roster's own phone is no row here. It counts as retired while a retired row has its index.
    """

    __tablename__ = "contact_number"
    __table_args__ = (
        one_of("relation", ContactRelation),
        sa.CheckConstraint("(retired_at IS NULL) = (retired_by IS NULL)", name="retirement"),
        # Nobody's number is kept for a member's sake without his word.
        sa.CheckConstraint("relation = 'member' OR consented_on IS NOT NULL", name="consent"),
        sa.CheckConstraint("recorded_by <> member_id", name="not_oneself"),
        sa.Index(
            "uq_contact_number_live",
            "member_id",
            "phone_index",
            unique=True,
            postgresql_where=sa.text("retired_at IS NULL"),
            sqlite_where=sa.text("retired_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    relation: Mapped[str] = mapped_column(sa.String(16))
    phone_sealed: Mapped[bytes] = mapped_column()
    phone_index: Mapped[str] = mapped_column(sa.String(64))
    phone_masked: Mapped[str] = mapped_column(sa.String(20))
    consented_on: Mapped[date | None] = mapped_column()
    recorded_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    retired_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))


class ContactAttempt(Base):
    """One attempt to reach a member; never changed, and never by himself."""

    __tablename__ = "contact_attempt"
    __table_args__ = (
        one_of("method", SearchMethod),
        one_of("contacted", ContactedPerson),
        one_of("outcome", Outcome),
        sa.CheckConstraint(
            "(outcome = 'promised_date') = (promised_on IS NOT NULL)", name="promised"
        ),
        sa.CheckConstraint(
            "method <> 'official_letter' OR document_number <> ''", name="letter_document"
        ),
        sa.CheckConstraint("recorded_by <> member_id", name="not_oneself"),
        sa.Index("ix_contact_attempt_case_id", "case_id", "attempted_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(sa.ForeignKey("contact_case.id"))
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    method: Mapped[str] = mapped_column(sa.String(24))
    contacted: Mapped[str] = mapped_column(sa.String(16))
    outcome: Mapped[str] = mapped_column(sa.String(20))
    attempted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Empty means the phone of the roster, or no phone at all.
    number_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("contact_number.id"))
    promised_on: Mapped[date | None] = mapped_column()
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    document_number: Mapped[str] = mapped_column(sa.String(80), default="")
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    recorded_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CaseAssignment(Base):
    """Who gave a case to whom; the newest row is the one in force."""

    __tablename__ = "case_assignment"
    __table_args__ = (
        one_of("assignee_role", AssigneeRole),
        sa.CheckConstraint(
            "assignee_id <> member_id AND assigned_by <> member_id", name="not_oneself"
        ),
        sa.Index("ix_case_assignment_case_id", "case_id", "assigned_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(sa.ForeignKey("contact_case.id"))
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    assignee_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    assignee_role: Mapped[str] = mapped_column(sa.String(16))
    assigned_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    assigned_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CaseAccessRecord(Base):
    """Who was shown which case, when, and what of it."""

    __tablename__ = "case_access_record"
    __table_args__ = (
        one_of("kind", AccessKind),
        # A number is shown in full for a stated purpose only.
        sa.CheckConstraint("kind <> 'number' OR purpose <> ''", name="purpose"),
        sa.Index("ix_case_access_record_case_id", "case_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(sa.ForeignKey("contact_case.id"))
    actor_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    kind: Mapped[str] = mapped_column(sa.String(8))
    purpose: Mapped[str] = mapped_column(sa.String(200), default="")
    number_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("contact_number.id"))
    request_id: Mapped[str] = mapped_column(sa.String(40))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class OwnReportLink(Base):
    """A one-tap “我在” link: only the digest of its token is kept; it works once."""

    __tablename__ = "own_report_link"
    __table_args__ = (
        sa.CheckConstraint("expires_at > issued_at", name="dates"),
        sa.CheckConstraint("issued_by <> member_id", name="not_oneself"),
        sa.Index("ix_own_report_link_attempt_id", "attempt_id"),
        sa.Index("ix_own_report_link_member_id", "member_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    attempt_id: Mapped[UUID] = mapped_column(sa.ForeignKey("contact_attempt.id"))
    case_id: Mapped[UUID] = mapped_column(sa.ForeignKey("contact_case.id"))
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    token_digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    issued_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ContactContest(Base):
    """A member's own word against his case; somebody else answers."""

    __tablename__ = "contact_contest"
    __table_args__ = (
        one_of("state", ContestState),
        sa.CheckConstraint("(state = 'open') = (answered_by IS NULL)", name="answered"),
        sa.CheckConstraint("(answered_by IS NULL) = (answered_at IS NULL)", name="answered_at"),
        sa.CheckConstraint("answered_by IS NULL OR answer <> ''", name="answer"),
        sa.CheckConstraint("answered_by IS NULL OR answered_by <> member_id", name="not_oneself"),
        sa.Index(
            "uq_contact_contest_open",
            "case_id",
            unique=True,
            postgresql_where=sa.text("state = 'open'"),
            sqlite_where=sa.text("state = 'open'"),
        ),
        sa.Index("ix_contact_contest_member_id", "member_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(sa.ForeignKey("contact_case.id"))
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    note: Mapped[str] = mapped_column(sa.String(500))
    state: Mapped[str] = mapped_column(sa.String(8), default=ContestState.OPEN)
    filed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answer: Mapped[str] = mapped_column(sa.String(500), default="")


class MembershipDecision(Base):
    """What a body decided about a membership, as a named person entered it.

    Triggers let `member.membership_status` follow the newest row and nothing else, and refuse a
    row that does not begin where the member stands.
    """

    __tablename__ = "membership_decision"
    __table_args__ = (
        one_of("kind", DecisionKind),
        one_of("ground", DecisionGround),
        one_of("from_status", MembershipStatus),
        one_of("to_status", MembershipStatus),
        sa.CheckConstraint(
            "(kind = 'suspension' AND from_status IN ('normal', 'restored')"
            " AND to_status = 'suspended')"
            " OR (kind = 'restoration' AND from_status = 'suspended' AND to_status = 'restored')"
            " OR (kind = 'removal' AND from_status IN ('normal', 'restored', 'suspended')"
            " AND to_status = 'removed')"
            " OR (kind = 'expulsion' AND from_status IN ('normal', 'restored', 'suspended')"
            " AND to_status = 'expelled')",
            name="step",
        ),
        # Somebody out of contact is suspended first (条例 Art.24).
        sa.CheckConstraint(
            "kind <> 'removal' OR ground <> 'lost_contact' OR from_status = 'suspended'",
            name="suspended_first",
        ),
        sa.CheckConstraint("(kind = 'expulsion') = (ground = 'discipline')", name="discipline"),
        sa.CheckConstraint(
            "deciding_body <> '' AND document_number <> '' AND approving_body <> ''", name="named"
        ),
        sa.CheckConstraint("approved_on >= decided_on", name="approved_after"),
        sa.CheckConstraint("entered_by <> member_id", name="not_oneself"),
        sa.UniqueConstraint("member_id", "number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    # 1 for a member's first decision; two entered at once would have the same.
    number: Mapped[int] = mapped_column()
    kind: Mapped[str] = mapped_column(sa.String(12))
    ground: Mapped[str] = mapped_column(sa.String(16))
    from_status: Mapped[str] = mapped_column(sa.String(16))
    to_status: Mapped[str] = mapped_column(sa.String(16))
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    deciding_body: Mapped[str] = mapped_column(sa.String(120))
    decided_on: Mapped[date] = mapped_column()
    document_number: Mapped[str] = mapped_column(sa.String(80))
    approving_body: Mapped[str] = mapped_column(sa.String(120))
    approved_on: Mapped[date] = mapped_column()
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    case_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("contact_case.id"))
    entered_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime)
