"""What leaders do with a case: give it to somebody, find the reason, end it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.clock import business_day
from core.errors import RuleViolation
from core.ids import new_id
from members.access import Actor, hold_roles
from members.access_models import RoleGrant, in_force
from members.contact.case_access import ASSIGNEE_ROLES, CASE_KEEPERS, change_open, get_kept_case
from members.contact.case_models import CaseAssignment
from members.contact.models import AssigneeRole, CaseState, ContactCase, ReasonCode
from members.models import (
    Affiliation,
    AffiliationKind,
    Member,
    MembershipStatus,
    Organization,
)


class AssigneeUnfit(RuleViolation):
    """The person holds no such role for this member, or is the member himself."""

    code = "contact.assignee_unfit"
    title = "这个人不能承担这件工作"


class CaseKept(RuleViolation):
    """The case of a suspended member stays open until he is found or a body decides."""

    code = "contact.case_kept"
    title = "停止党籍期间继续查找，不能结束"


@dataclass(frozen=True, slots=True)
class Assignment:
    """To whom a case is given, and as what."""

    assignee_id: UUID
    role: AssigneeRole


def assign(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    assignment: Assignment,
    version: int,
    now: datetime,
) -> None:
    """Give a case to the member's group leader, to his branch's secretary, or to the committee.

    Raises:
        NotFound: the case is out of the actor's scope.
        AssigneeUnfit: the person does not hold that role there today.
        CaseClosed, VersionConflict: it has ended, or changed since the caller saw it.
    """
    hold_roles(session, actor, CASE_KEEPERS)
    case = get_kept_case(session, actor, case_id)
    assignee_id, role = assignment.assignee_id, assignment.role
    if assignee_id == case.member_id or not _holds(session, case, assignment, now):
        raise AssigneeUnfit
    change_open(session, case_id, version=version, assigned_to=assignee_id, assignee_role=role)
    session.add(
        CaseAssignment(
            id=new_id(),
            case_id=case_id,
            member_id=case.member_id,
            assignee_id=assignee_id,
            assignee_role=role,
            assigned_by=actor.member_id,
            assigned_at=now,
        )
    )
    session.flush()


def set_reason(
    session: Session, actor: Actor, case_id: UUID, *, reason: ReasonCode, version: int
) -> None:
    """Say why contact was lost, in one of the seven official codes.

    Raises:
        NotFound: the case is out of the actor's scope.
        CaseClosed, VersionConflict: it has ended, or changed since the caller saw it.
    """
    hold_roles(session, actor, CASE_KEEPERS)
    get_kept_case(session, actor, case_id)
    change_open(session, case_id, version=version, reason_code=reason)


def close(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    state: CaseState,
    note: str,
    now: datetime,
) -> None:
    """End a case by a person's word: contact is there again, or there never was a case.

    Raises:
        NotFound: the case is out of the actor's scope.
        CaseKept: the member is suspended and has not been found.
        CaseClosed: somebody closed it first, or the member reported himself.
    """
    hold_roles(session, actor, CASE_KEEPERS)
    case = get_kept_case(session, actor, case_id)
    end(session, case, by=actor.member_id, state=state, note=note, now=now)


def end(
    session: Session,
    case: ContactCase,
    *,
    by: UUID,
    state: CaseState,
    note: str,
    now: datetime,
) -> None:
    """End a case that the caller may end; raises as `close`."""
    status = session.scalar(sa.select(Member.membership_status).where(Member.id == case.member_id))
    if status == MembershipStatus.SUSPENDED and state is CaseState.CLOSED:
        raise CaseKept
    change_open(session, case.id, state=state, closed_at=now, closed_by=by, closing_note=note)


def _holds(session: Session, case: ContactCase, assignment: Assignment, now: datetime) -> bool:
    """Whether the person holds a fitting role at the case's branch, above it, or in the group."""
    today = business_day(now)
    at, branch, group = aliased(Organization), aliased(Organization), aliased(Organization)
    is_primary = (
        (Affiliation.member_id == case.member_id)
        & (Affiliation.kind == AffiliationKind.PRIMARY)
        & (Affiliation.valid_from <= today)
        & (Affiliation.valid_to.is_(None) | (Affiliation.valid_to > today))
    )
    in_group = assignment.role is AssigneeRole.GROUP_LEADER
    place = group.path if in_group else branch.path
    found = session.scalar(
        sa.select(RoleGrant.id)
        .join(at, at.id == RoleGrant.organization_id)
        .join(branch, branch.id == case.organization_id)
        .outerjoin(Affiliation, is_primary)
        .outerjoin(group, group.id == Affiliation.party_group_id)
        .where(
            RoleGrant.member_id == assignment.assignee_id,
            RoleGrant.role.in_(ASSIGNEE_ROLES[assignment.role]),
            in_force(today),
            place.startswith(at.path),
        )
        .limit(1)
    )
    return found is not None
