"""Tables of feedback (意见反馈、投诉、个人信息请求) and of the steps that it went through."""

import enum
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime, one_of
from core.ids import new_id


class FeedbackKind(enum.StrEnum):
    """What a member wants: something better, something put right, or his right to his data."""

    SUGGESTION = "suggestion"
    COMPLAINT = "complaint"
    DATA_REQUEST = "data_request"


class FeedbackTopic(enum.StrEnum):
    """What it is about (number: a figure seems wrong); the last three ask about one's own data."""

    FORMALISM = "formalism"
    PERSONAL_DATA = "personal_data"
    NUMBER = "number"
    CONDUCT = "conduct"
    OTHER = "other"
    COPY = "copy"
    CORRECTION = "correction"
    DELETION = "deletion"


DATA_TOPICS = frozenset({FeedbackTopic.COPY, FeedbackTopic.CORRECTION, FeedbackTopic.DELETION})


class FeedbackStatus(enum.StrEnum):
    """open -> taken -> answered; forwarding and `unsettled` open it again, nothing closes it."""

    OPEN = "open"
    TAKEN = "taken"
    ANSWERED = "answered"


class FeedbackStepKind(enum.StrEnum):
    """Steps in the life of feedback."""

    FILED = "filed"
    TAKEN = "taken"
    FORWARDED = "forwarded"
    ANSWERED = "answered"
    UNSETTLED = "unsettled"
    OVERDUE = "overdue"


class Feedback(Base):
    """What one member has sent, and who owes him an answer until when.

    Who has sent it stands here and nowhere else: no step and no event of the trail repeats it, so
    what handlers read of an anonymous one cannot lead to him.
    """

    __tablename__ = "feedback"
    __table_args__ = (
        one_of("kind", FeedbackKind),
        one_of("topic", FeedbackTopic),
        one_of("status", FeedbackStatus),
        sa.CheckConstraint(
            "(kind = 'data_request') = (topic IN ('copy', 'correction', 'deletion'))",
            name="topic_of_kind",
        ),
        sa.CheckConstraint("text <> ''", name="text"),
        # Whose data are meant has to be known, and the number of an error leads to whoever saw it.
        sa.CheckConstraint(
            "NOT is_anonymous OR (kind <> 'data_request' AND error_request_id = '')",
            name="anonymous",
        ),
        sa.CheckConstraint(
            "about_member_id IS NULL OR about_member_id <> member_id", name="about_another"
        ),
        sa.CheckConstraint(
            "answered_by IS NULL OR (answered_by <> member_id"
            " AND answered_by <> coalesce(about_member_id, member_id)"
            " AND answered_by <> coalesce(first_answered_by, member_id))",
            name="answered_by_another",
        ),
        sa.CheckConstraint(
            "taken_by IS NULL OR (taken_by <> member_id"
            " AND taken_by <> coalesce(about_member_id, member_id))",
            name="taken_by_another",
        ),
        sa.CheckConstraint("status <> 'taken' OR taken_by IS NOT NULL", name="taken"),
        sa.CheckConstraint("(status = 'answered') = (answered_by IS NOT NULL)", name="answered"),
        sa.CheckConstraint("(answered_by IS NULL) = (answered_at IS NULL)", name="answered_at"),
        sa.CheckConstraint(
            "unsettled_reason = '' OR first_answered_by IS NOT NULL", name="unsettled"
        ),
        sa.CheckConstraint("version >= 1", name="version"),
        sa.Index("ix_feedback_member_id", "member_id", "id"),
        sa.Index("ix_feedback_queue", "handling_organization_id", "status", "id"),
        sa.Index(
            "ix_feedback_waiting",
            "due_on",
            postgresql_where=sa.text("status <> 'answered'"),
            sqlite_where=sa.text("status <> 'answered'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    is_anonymous: Mapped[bool] = mapped_column()
    kind: Mapped[str] = mapped_column(sa.String(12))
    topic: Mapped[str] = mapped_column(sa.String(13))
    text: Mapped[str] = mapped_column(sa.String(1000))
    # Where in the app, and which error, if he says so.
    page: Mapped[str] = mapped_column(sa.String(80), default="")
    operation: Mapped[str] = mapped_column(sa.String(80), default="")
    error_request_id: Mapped[str] = mapped_column(sa.String(40), default="")
    about_organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    about_member_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    handling_organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    status: Mapped[str] = mapped_column(sa.String(8), default=FeedbackStatus.OPEN)
    filed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_on: Mapped[date] = mapped_column()
    # The day on which its lateness was told; it is told once.
    overdue_told_on: Mapped[date | None] = mapped_column()
    taken_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    answered_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Whose answer did not settle it: somebody else, above, gives the second and last one.
    first_answered_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    unsettled_reason: Mapped[str] = mapped_column(sa.String(500), default="")
    version: Mapped[int] = mapped_column(default=1)


class FeedbackStep(Base):
    """One append-only step: what was done, when, in which body, with the handler's words.

    The sender's own steps have no actor: the feedback says who he is.
    """

    __tablename__ = "feedback_step"
    __table_args__ = (
        one_of("kind", FeedbackStepKind),
        sa.CheckConstraint(
            "(kind IN ('filed', 'unsettled', 'overdue')) = (actor_id IS NULL)", name="actor"
        ),
        sa.CheckConstraint("kind NOT IN ('forwarded', 'answered') OR note <> ''", name="note"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    feedback_id: Mapped[UUID] = mapped_column(sa.ForeignKey("feedback.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(9))
    # Where it is to be answered from this step on.
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    actor_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    note: Mapped[str] = mapped_column(sa.String(1000), default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)
