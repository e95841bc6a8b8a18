"""Tables of keeping in touch: facts, what follows from them, holds, stages, cases."""

import enum
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime, one_of
from core.ids import new_id


class ContactKind(enum.StrEnum):
    """What counts as contact (domain 5.3); nothing that happens inside the app is among it."""

    ATTENDANCE = "attendance"
    DUES_PAID = "dues_paid"
    TRANSFER_ACCEPTED = "transfer_accepted"
    OWN_REPORT = "own_report"
    ANSWERED_CALL = "answered_call"
    REPLY = "reply"
    VISIT = "visit"
    HOST_CONFIRMED = "host_confirmed"


class Strength(enum.StrEnum):
    """Hard contact resets the anchor; soft contact says that the member can be reached."""

    HARD = "hard"
    SOFT = "soft"


HARD = (
    ContactKind.ATTENDANCE,
    ContactKind.DUES_PAID,
    ContactKind.TRANSFER_ACCEPTED,
    ContactKind.OWN_REPORT,
)
_IS_HARD = ", ".join(f"'{kind.value}'" for kind in HARD)


class Feed(enum.StrEnum):
    """Where records come from: organisation life shows silence, a dues register does not."""

    LIFE = "life"
    DUES = "dues"
    OTHER = "other"


class HoldKind(enum.StrEnum):
    """Why the clock stands still for a time: the type only, never the circumstances."""

    LONG_TRAINING = "long_training"
    POSTING = "posting"
    SECRET_POST = "secret_post"  # noqa: S105 - a kind of post
    CUSTODY = "custody"
    MILITARY = "military"


class Clock(enum.StrEnum):
    """The ladders of domain 5.1, which must not be mixed; abroad, contact and years are two."""

    LOST_CONTACT = "lost_contact"
    SELF_WITHDRAWAL = "self_withdrawal"
    ABROAD = "abroad"
    ABROAD_REVIEW = "abroad_review"


class Signal(enum.StrEnum):
    """Which of the three duties a self-withdrawal clock measures."""

    LIFE = "life"
    DUES = "dues"
    WORK = "work"


class CaseState(enum.StrEnum):
    """A hard contact or a person ends a case; nothing else does."""

    OPEN = "open"
    RECONTACTED = "recontacted"
    CLOSED = "closed"


class AssigneeRole(enum.StrEnum):
    """Who works on a case."""

    GROUP_LEADER = "group_leader"
    BRANCH_SECRETARY = "branch_secretary"
    COMMITTEE = "committee"


class ReasonCode(enum.StrEnum):
    """The seven official reasons (domain 5.2): 外出务工经商 to 其他, in the form's order."""

    WORK_ELSEWHERE = "work_elsewhere"
    EMPLOYER_GONE = "employer_gone"
    AFTER_GRADUATION = "after_graduation"
    EMPLOYER_CHANGED = "employer_changed"
    ABROAD = "abroad"
    HOME_MOVED = "home_moved"
    OTHER = "other"


class RecordedFact(Base):
    """One contact, once; append-only. A correction is a retraction and the next revision."""

    __tablename__ = "contact_fact"
    __table_args__ = (
        one_of("kind", ContactKind),
        one_of("strength", Strength),
        sa.CheckConstraint(f"(strength = 'hard') = (kind IN ({_IS_HARD}))", name="is_hard"),
        sa.CheckConstraint("revision >= 1", name="revision"),
        # The member is named first, so that his facts are one range of this index.
        sa.UniqueConstraint("member_id", "kind", "source_id", "revision"),
        sa.Index("ix_contact_fact_source_id", "source_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    kind: Mapped[str] = mapped_column(sa.String(20))
    strength: Mapped[str] = mapped_column(sa.String(4))
    happened_on: Mapped[date] = mapped_column()
    # Where it was recorded: a host's record is the host's.
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    source_id: Mapped[UUID] = mapped_column()
    revision: Mapped[int] = mapped_column()
    # Empty where the machine's operator has imported a file.
    recorded_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    note: Mapped[str] = mapped_column(sa.String(200))


class FactRetraction(Base):
    """A fact that did not happen after all; append-only."""

    __tablename__ = "contact_fact_retraction"
    __table_args__ = (sa.CheckConstraint("reason <> ''", name="reason"),)

    fact_id: Mapped[UUID] = mapped_column(sa.ForeignKey("contact_fact.id"), primary_key=True)
    reason: Mapped[str] = mapped_column(sa.String(200))
    retracted_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    retracted_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RecordedDay(Base):
    """A day for which an organisation has recorded anything: what tells silence from an outage.

    A trigger notes it with the fact. A retracted fact leaves it: that somebody recorded is true.
    """

    __tablename__ = "contact_recorded_day"
    __table_args__ = (one_of("feed", Feed),)

    organization_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("organization.id"), primary_key=True
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    feed: Mapped[str] = mapped_column(sa.String(8), primary_key=True)


class Outage(Base):
    """Days, first to last, on which a branch that records recorded nothing: they do not count.

    Found by each scan from the recorded days; derived, so a record entered late removes it.
    """

    __tablename__ = "contact_outage"
    __table_args__ = (sa.CheckConstraint("ends_on >= begins_on", name="dates"),)

    organization_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("organization.id"), primary_key=True
    )
    begins_on: Mapped[date] = mapped_column(primary_key=True)
    ends_on: Mapped[date] = mapped_column()


class Standing(Base):
    """When each member was last heard from: one row a member, made with him by a trigger.

    It is maintained in the transaction of the fact, and can be derived from the facts again.
    Without any fact the clock starts on the day that the member came onto the roster.
    """

    __tablename__ = "contact_standing"
    __table_args__ = (sa.Index("ix_contact_standing_reached_on", "reached_on"),)

    # It says nothing that the facts do not, so it goes with its member.
    member_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("member.id", ondelete="CASCADE"), primary_key=True
    )
    watched_from: Mapped[date] = mapped_column()
    last_attended_on: Mapped[date | None] = mapped_column()
    last_dues_on: Mapped[date | None] = mapped_column()
    last_hard_on: Mapped[date | None] = mapped_column()
    last_soft_on: Mapped[date | None] = mapped_column()
    # Goes up with every change of the member's assigned work, so that a scan notices one.
    work_version: Mapped[int] = mapped_column(default=0, server_default="0")
    anchor_on: Mapped[date] = mapped_column(
        sa.Computed("coalesce(last_hard_on, watched_from)", persisted=True)
    )
    # The later of the anchor and the last soft contact: from here the lost-contact clock runs.
    reached_on: Mapped[date] = mapped_column(
        sa.Computed(
            "CASE WHEN last_soft_on > coalesce(last_hard_on, watched_from) THEN last_soft_on"
            " ELSE coalesce(last_hard_on, watched_from) END",
            persisted=True,
        )
    )


class ContactHold(Base):
    """A dated pause of a member's clocks; [valid_from, valid_to), never renewed by itself."""

    __tablename__ = "contact_hold"
    __table_args__ = (
        one_of("kind", HoldKind),
        sa.CheckConstraint("valid_to > valid_from", name="dates"),
        sa.CheckConstraint("recorded_by <> member_id", name="not_oneself"),
        sa.Index("ix_contact_hold_member_id", "member_id", "valid_from"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    kind: Mapped[str] = mapped_column(sa.String(16))
    valid_from: Mapped[date] = mapped_column()
    valid_to: Mapped[date] = mapped_column()
    decided_by_organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    recorded_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class StageEntry(Base):
    """The stage that a member's clock has reached since its anchor; written by the scan only.

    A hard contact deletes it in its own transaction.
    """

    __tablename__ = "contact_stage_entry"
    __table_args__ = (
        one_of("clock", Clock),
        one_of("signal", Signal),
        sa.CheckConstraint("stage BETWEEN 1 AND 8", name="stage"),
        sa.CheckConstraint("(clock = 'self_withdrawal') = (signal IS NOT NULL)", name="has_signal"),
        sa.Index("ix_contact_stage_entry_entered_on", "entered_on"),
    )

    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), primary_key=True)
    clock: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    signal: Mapped[str | None] = mapped_column(sa.String(4))
    anchor_on: Mapped[date] = mapped_column()
    # Days since the anchor that do not count: outages, holds, exemptions.
    uncounted_days: Mapped[int] = mapped_column()
    stage: Mapped[int] = mapped_column()
    entered_on: Mapped[date] = mapped_column()


class ContactCase(Base):
    """A case of one member and clock: the scan opens and raises it, people work on it."""

    __tablename__ = "contact_case"
    __table_args__ = (
        # Years abroad are looked at without a case: nobody is searched for.
        sa.CheckConstraint("clock IN ('lost_contact', 'self_withdrawal', 'abroad')", name="clock"),
        one_of("state", CaseState),
        one_of("assignee_role", AssigneeRole),
        one_of("reason_code", ReasonCode),
        one_of("signal", Signal),
        sa.CheckConstraint("(clock = 'self_withdrawal') = (signal IS NOT NULL)", name="has_signal"),
        sa.CheckConstraint("stage BETWEEN 3 AND 8", name="stage"),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed"),
        sa.CheckConstraint("closed_fact_id IS NULL OR state = 'recontacted'", name="closed_fact"),
        sa.CheckConstraint("assigned_to <> member_id", name="assigned_to_another"),
        sa.CheckConstraint("closed_by <> member_id", name="closed_by_another"),
        sa.Index(
            "uq_contact_case_open",
            "member_id",
            "clock",
            unique=True,
            postgresql_where=sa.text("state = 'open'"),
            sqlite_where=sa.text("state = 'open'"),
        ),
        sa.Index("ix_contact_case_member_id", "member_id", "id"),
        sa.Index("ix_contact_case_organization_id", "organization_id", "state", "stage"),
        sa.Index("ix_contact_case_assigned_to", "assigned_to", "state"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    # The home branch on the day of opening.
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    clock: Mapped[str] = mapped_column(sa.String(16))
    # Which duty a self-withdrawal case is about; empty for the other clocks.
    signal: Mapped[str | None] = mapped_column(sa.String(4))
    anchor_on: Mapped[date] = mapped_column()
    stage: Mapped[int] = mapped_column()
    state: Mapped[str] = mapped_column(sa.String(12), default=CaseState.OPEN)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    assigned_to: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    assignee_role: Mapped[str] = mapped_column(sa.String(20), default=AssigneeRole.GROUP_LEADER)
    reason_code: Mapped[str | None] = mapped_column(sa.String(20))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    # The hard contact that ended it, where one did.
    closed_fact_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("contact_fact.id"))
    closing_note: Mapped[str] = mapped_column(sa.String(200), default="")
    version: Mapped[int] = mapped_column(default=1)
