"""Whom a member turns to: his branch, who leads it, and the number that it has made known."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import FieldProblem, RuleViolation
from members.access import ROSTER_ROLES, Actor, get_organization
from members.access_models import Role, RoleGrant, in_force
from members.models import Member, Organization

# The secretary; his deputy where there is none, or for himself; then the body above.
_NEAREST = (Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY, Role.COMMITTEE_OFFICER)
# With its area code, an extension, or the country's; or a mobile phone of the office.
_DIALLED = re.compile(r"\+?\d{2,4}(-?\d{2,12}){1,3}", re.ASCII)


class NotAPhone(RuleViolation):
    """The text is no number that can be dialled."""

    code = "organization.phone_invalid"
    title = "电话号码只能有数字和“-”，例如 029-87010000"


@dataclass(frozen=True, slots=True)
class BranchContact:
    """A branch and who speaks for it; `phone` is that of the branch and nobody's own.

    Args:
        name, role: None where nobody is in office there or above.
    """

    organization_id: UUID
    organization_name: str
    name: str | None
    role: str | None
    phone: str | None


def find(session: Session, actor: Actor) -> BranchContact | None:
    """Whom the actor turns to; None while he belongs to no branch. One statement."""
    if actor.organization_id is None:
        return None
    asked = {"member": actor.member_id, "branch": actor.organization_id, "day": actor.on}
    rows = session.execute(_FIND, asked).all()
    branch_name, phone = rows[0][:2]
    found = sorted((_NEAREST.index(Role(role)), name) for _, _, name, role in rows if role)
    number, name = found[0] if found else (None, None)
    role = None if number is None else _NEAREST[number]
    return BranchContact(actor.organization_id, branch_name, name, role, phone)


def make_known(session: Session, actor: Actor, organization_id: UUID, *, phone: str) -> None:
    """Make a number known to the organisation's members, or none any more.

    Args:
        phone: of the office; empty for none.

    Raises:
        NotFound: the organisation is out of scope.
        NotAPhone: the text is no number that can be dialled.
    """
    organization = get_organization(session, actor, organization_id, roles=ROSTER_ROLES)
    if phone and not _DIALLED.fullmatch(phone):
        raise NotAPhone(problems=(FieldProblem("/phone", NotAPhone.code, NotAPhone.title),))
    organization.contact_phone = phone or None
    session.flush()


def _find_statement() -> sa.Select[*tuple[Any, ...]]:
    leads = (RoleGrant.organization_id == Organization.id) & RoleGrant.role.in_(_NEAREST[:2])
    stands_above = (RoleGrant.organization_id == Organization.parent_id) & (
        RoleGrant.role == _NEAREST[2]
    )
    # Nobody is told to call himself.
    others = (RoleGrant.member_id != sa.bindparam("member", type_=sa.Uuid)) & in_force(
        sa.bindparam("day", type_=sa.Date)
    )
    return (
        sa.select(Organization.name, Organization.contact_phone, Member.name, RoleGrant.role)
        .select_from(Organization)
        .outerjoin(RoleGrant, (leads | stands_above) & others)
        .outerjoin(Member, Member.id == RoleGrant.member_id)
        .where(Organization.id == sa.bindparam("branch", type_=sa.Uuid))
    )


# Every first screen asks it, so it is built once.
_FIND = _find_statement()
