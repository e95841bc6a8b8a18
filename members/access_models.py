"""Tables of accounts and dated role grants."""

import enum
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime, one_of
from core.ids import new_id


class Role(enum.StrEnum):
    """Roles that are granted; being a member needs no grant."""

    GROUP_LEADER = "group_leader"
    BRANCH_SECRETARY = "branch_secretary"
    DEPUTY_SECRETARY = "deputy_secretary"
    DELEGATE = "delegate"
    COMMITTEE_OFFICER = "committee_officer"
    DISTRICT_ADMIN = "district_admin"
    AUDITOR = "auditor"
    SYSTEM_ADMIN = "system_admin"


class RoleGrant(Base):
    """A role at one organisation from one day to the next; a revocation is immediate."""

    __tablename__ = "role_grant"
    __table_args__ = (
        one_of("role", Role),
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="dates"),
        # Decision 7: a delegate decides for a known time only.
        sa.CheckConstraint("role <> 'delegate' OR valid_to IS NOT NULL", name="delegate_ends"),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revocation"),
        sa.CheckConstraint("granted_by IS NULL OR granted_by <> member_id", name="not_oneself"),
        sa.Index(
            "uq_role_grant_live",
            "member_id",
            "role",
            "organization_id",
            unique=True,
            postgresql_where=sa.text("revoked_at IS NULL AND valid_to IS NULL"),
            sqlite_where=sa.text("revoked_at IS NULL AND valid_to IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), index=True)
    role: Mapped[str] = mapped_column(sa.String(24))
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    valid_from: Mapped[date] = mapped_column()
    valid_to: Mapped[date | None] = mapped_column()
    basis: Mapped[str] = mapped_column(sa.String(200), default="")
    # Null only for the first administrator, whom the command line appoints.
    granted_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    granted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def in_force(day: Any, grant: Any = RoleGrant) -> sa.ColumnElement[bool]:
    """Condition: a grant works on a day; whoever is asked for a role, this is what it means.

    Args:
        day: the business date, or an expression for it.
        grant: an alias of the table, where it stands in a statement twice.
    """
    return sa.and_(
        grant.revoked_at.is_(None),
        grant.valid_from <= day,
        sa.or_(grant.valid_to.is_(None), grant.valid_to > day),
    )


class Account(Base):
    """What a member may sign in with: a phone and a password, if he was given them.

    Whoever signs in by a code or a ticket only has neither.
    """

    __tablename__ = "account"
    __table_args__ = (
        sa.CheckConstraint("password_hash IS NOT NULL OR NOT must_change_password", name="initial"),
    )

    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), primary_key=True)
    phone_index: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    password_hash: Mapped[str | None] = mapped_column(sa.String(200))
    must_change_password: Mapped[bool] = mapped_column(default=True)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    issued_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
