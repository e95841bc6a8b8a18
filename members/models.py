"""Tables of organisations, members and where members belong."""

import enum
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime, one_of
from core.ids import new_id


class OrganizationKind(enum.StrEnum):
    """Types of organisation; `members.organizations.MAY_STAND_UNDER` says which under which."""

    DISTRICT_ORGANIZATION_DEPARTMENT = "district_organization_department"
    COMMITTEE = "committee"
    WORKING_COMMITTEE = "working_committee"
    GENERAL_BRANCH = "general_branch"
    BRANCH = "branch"
    PARTY_GROUP = "party_group"
    TEMPORARY_BRANCH = "temporary_branch"
    FUNCTIONAL_BRANCH = "functional_branch"


class Sector(enum.StrEnum):
    """The field that a branch works in, as rosters and reports name it."""

    VILLAGE = "village"
    COMMUNITY = "community"
    OFFICE = "office"
    PUBLIC_INSTITUTION = "public_institution"
    STATE_ENTERPRISE = "state_enterprise"
    PRIVATE_ENTERPRISE = "private_enterprise"
    JOINT = "joint"
    OTHER = "other"


class MemberKind(enum.StrEnum):
    """Full members vote; probationary members do not."""

    FULL_MEMBER = "full_member"
    PROBATIONARY_MEMBER = "probationary_member"


class MembershipStatus(enum.StrEnum):
    """Only a recorded decision by a competent body changes this; no import and no job does."""

    NORMAL = "normal"
    SUSPENDED = "suspended"
    RESTORED = "restored"
    REMOVED = "removed"
    EXPELLED = "expelled"


class AffiliationKind(enum.StrEnum):
    """`primary` is the formal organisational relation; the others are secondary."""

    PRIMARY = "primary"
    MIGRANT_HOST = "migrant_host"
    COMMUNITY_REGISTRATION = "community_registration"
    TEMPORARY = "temporary"


class MemberClass(enum.StrEnum):
    """The four classes that published schemes keep returning to (domain 1.2)."""

    POST_HOLDER = "post_holder"
    ORDINARY = "ordinary"
    MIGRANT = "migrant"
    AGED_OR_FRAIL = "aged_or_frail"


class ExemptionKind(enum.StrEnum):
    """The type of an exemption only: a diagnosis is never stored (domain section 7)."""

    AGED = "aged"
    LIMITED_MOBILITY = "limited_mobility"
    LONG_TERM_CARE = "long_term_care"
    LONG_LEAVE = "long_leave"
    ABROAD = "abroad"
    ORGANIZATION_DECISION = "organization_decision"


class Organization(Base):
    """One node of the tree; `path` is "/root id/.../own id/" and makes subtree reads one range."""

    __tablename__ = "organization"
    __table_args__ = (
        one_of("kind", OrganizationKind),
        one_of("sector", Sector),
        sa.CheckConstraint("(parent_id IS NULL) = (depth = 0)", name="root"),
        sa.UniqueConstraint("parent_id", "name"),
        # LIKE 'prefix%' uses a btree on PostgreSQL only with this operator class.
        sa.Index("ix_organization_path", "path", postgresql_ops={"path": "text_pattern_ops"}),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    parent_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("organization.id"))
    kind: Mapped[str] = mapped_column(sa.String(40))
    sector: Mapped[str] = mapped_column(sa.String(40), default=Sector.OTHER)
    name: Mapped[str] = mapped_column(sa.String(80))
    path: Mapped[str] = mapped_column(sa.String(400), unique=True)
    depth: Mapped[int] = mapped_column()
    dissolved_on: Mapped[date | None] = mapped_column()
    # The number of the office, made known to the branch's members on purpose; no member's own.
    contact_phone: Mapped[str | None] = mapped_column(sa.String(20))
    version: Mapped[int] = mapped_column(default=1)


class OrganizationPlacement(Base):
    """Where an organisation stood, and under which name, from one day to the next: the history."""

    __tablename__ = "organization_placement"
    __table_args__ = (
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates"),
        sa.Index(
            "uq_organization_placement_open",
            "organization_id",
            unique=True,
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    parent_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("organization.id"))
    name: Mapped[str] = mapped_column(sa.String(80))
    valid_from: Mapped[date] = mapped_column()
    valid_to: Mapped[date | None] = mapped_column()
    changed_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    reason: Mapped[str] = mapped_column(sa.String(200), default="")


class Member(Base):
    """One person on the roster. Sensitive numbers are encrypted or only indexed."""

    __tablename__ = "member"
    __table_args__ = (
        one_of("kind", MemberKind),
        one_of("membership_status", MembershipStatus),
        sa.CheckConstraint("sex IN ('male', 'female')", name="sex"),
        sa.CheckConstraint("birth_year BETWEEN 1900 AND 2100", name="birth_year"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(sa.String(60))
    sex: Mapped[str | None] = mapped_column(sa.String(6))
    birth_year: Mapped[int | None] = mapped_column()
    education: Mapped[str | None] = mapped_column(sa.String(40))
    post: Mapped[str | None] = mapped_column(sa.String(60))
    kind: Mapped[str] = mapped_column(sa.String(24))
    joined_on: Mapped[date | None] = mapped_column()
    converted_on: Mapped[date | None] = mapped_column()
    membership_status: Mapped[str] = mapped_column(sa.String(16), default=MembershipStatus.NORMAL)
    # Families share phones, so the number finds people but does not identify one.
    phone_sealed: Mapped[bytes | None] = mapped_column()
    phone_index: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    phone_masked: Mapped[str | None] = mapped_column(sa.String(20))
    # All three are empty unless the deployment keeps ID numbers.
    id_number_sealed: Mapped[bytes | None] = mapped_column()
    id_number_index: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    id_number_masked: Mapped[str | None] = mapped_column(sa.String(20))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)


class Affiliation(Base):
    """A dated belonging; [valid_from, valid_to). Triggers refuse overlapping primary ones."""

    __tablename__ = "affiliation"
    __table_args__ = (
        one_of("kind", AffiliationKind),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates"),
        sa.Index(
            "uq_affiliation_open_primary",
            "member_id",
            unique=True,
            postgresql_where=sa.text("kind = 'primary' AND valid_to IS NULL"),
            sqlite_where=sa.text("kind = 'primary' AND valid_to IS NULL"),
        ),
        sa.Index("ix_affiliation_member_id", "member_id", "valid_from"),
        sa.Index("ix_affiliation_organization_id", "organization_id", "valid_to"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    party_group_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("organization.id"))
    kind: Mapped[str] = mapped_column(sa.String(24), default=AffiliationKind.PRIMARY)
    valid_from: Mapped[date] = mapped_column()
    valid_to: Mapped[date | None] = mapped_column()
    recorded_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    reason: Mapped[str] = mapped_column(sa.String(200), default="")


class MemberClassification(Base):
    """The class that a member belongs to from one day to the next; absent means ordinary."""

    __tablename__ = "member_classification"
    __table_args__ = (
        one_of("member_class", MemberClass),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates"),
        sa.Index(
            "uq_member_classification_open",
            "member_id",
            unique=True,
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), index=True)
    member_class: Mapped[str] = mapped_column(sa.String(24))
    valid_from: Mapped[date] = mapped_column()
    valid_to: Mapped[date | None] = mapped_column()
    recorded_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))


class Exemption(Base):
    """A dated exemption from attendance and scoring; it ends by itself and is never renewed so."""

    __tablename__ = "exemption"
    __table_args__ = (
        one_of("kind", ExemptionKind),
        sa.CheckConstraint("valid_to > valid_from", name="dates"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(24))
    valid_from: Mapped[date] = mapped_column()
    valid_to: Mapped[date] = mapped_column()
    decided_by_organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    recorded_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
