"""What waits about contact: one's own report and assigned work, and cases for who works on them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa

from core.todo import Part, TodoKind, Words, part
from members.access import Actor, within
from members.access_models import Role
from members.contact.assigned_work_models import AssignedWork, WorkState
from members.contact.case_access import CASE_ROLES, is_visible
from members.contact.case_models import OwnReportLink
from members.contact.models import CaseState, ContactCase
from members.models import Organization

# From this stage on a case is the committee's business as well.
COMMITTEE_STAGE = 4
LEADING = frozenset({Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY})

WORDS: Mapping[TodoKind, Words] = {
    TodoKind.OWN_REPORT: Words(*["支部在联系您，请点一下“我在”"] * 2),
    TodoKind.ASSIGNED_WORK: Words(
        "组织分配的工作“{title}”，{day}前完成", "组织分配的工作 {count} 项，最早的{day}前完成"
    ),
    TodoKind.CONTACT_CASES: Words("有 1 名党员待联系", "有 {count} 名党员待联系"),
}

_MEMBER = sa.bindparam("member", type_=sa.Uuid)


def own_parts() -> list[Part]:
    """What waits for a member himself; for the parameters member and now."""
    return [_asked_for_report(), _assigned()]


def office_parts(actor: Actor) -> Sequence[Part]:
    """Open cases for each office that the actor holds."""
    offices: dict[tuple[UUID, str], set[Role]] = defaultdict(set)
    for held in actor.held_roles:
        if held.role in CASE_ROLES:
            offices[held.organization_id, held.path].add(held.role)
    return [_cases(actor, *office, roles) for office, roles in sorted(offices.items())]


def _asked_for_report() -> Part:
    now = sa.bindparam("now", type_=OwnReportLink.__table__.c.expires_at.type)
    return (
        part(TodoKind.OWN_REPORT, counted=OwnReportLink.id)
        .join(ContactCase, ContactCase.id == OwnReportLink.case_id)
        .where(
            OwnReportLink.member_id == _MEMBER,
            OwnReportLink.answered_at.is_(None),
            OwnReportLink.expires_at > now,
            ContactCase.state == CaseState.OPEN,
        )
    )


def _assigned() -> Part:
    head = part(
        TodoKind.ASSIGNED_WORK,
        counted=AssignedWork.id,
        on_day=AssignedWork.due_on,
        title=AssignedWork.title,
    )
    # Who has said his word waits for the branch, and not the other way round.
    return head.where(
        AssignedWork.member_id == _MEMBER,
        AssignedWork.state == WorkState.OPEN,
        AssignedWork.own_word == "",
    )


def _cases(actor: Actor, place_id: UUID, path: str, roles: set[Role]) -> Part:
    """Open cases at and below a place that were given to the actor, or are his office's."""
    is_his = ContactCase.assigned_to == actor.member_id
    if roles & LEADING:
        is_his |= ContactCase.assigned_to.is_(None)
    if Role.COMMITTEE_OFFICER in roles:
        is_his |= ContactCase.stage >= COMMITTEE_STAGE
    place = sa.literal(place_id, sa.Uuid)
    head = part(TodoKind.CONTACT_CASES, counted=ContactCase.id, place=place)
    return (
        head.select_from(ContactCase)
        .join(Organization, Organization.id == ContactCase.organization_id)
        .where(ContactCase.state == CaseState.OPEN, within([path]), is_visible(actor), is_his)
    )
