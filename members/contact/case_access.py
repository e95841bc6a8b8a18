"""Who may see and work on a case, and the record of who has seen it.

An ordinary member never sees one, and nobody sees his own: he has his standing instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import audit
from core.errors import Conflict, NotFound, VersionConflict
from core.ids import new_id
from core.paging import Page, cut, id_key
from core.rows import insert_rows
from members.access import Actor, get_organization, within
from members.access_models import Role
from members.contact.case_models import AccessKind, CaseAccessRecord, CaseAssignment
from members.contact.models import AssigneeRole, CaseState, ContactCase
from members.models import Member, Organization

# Branch leaders for their branch, upper bodies for their subtree (domain 8.4).
CASE_KEEPERS = frozenset(
    {Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY, Role.COMMITTEE_OFFICER, Role.DISTRICT_ADMIN}
)
# A group's leader sees the cases that were given to him and no other.
CASE_ROLES = CASE_KEEPERS | {Role.GROUP_LEADER}
# A committee looks on with masked phones, unless the case was given to it (domain 8.4).
CALLING_ROLES = CASE_KEEPERS - {Role.COMMITTEE_OFFICER}
ACCESS_READERS = frozenset({Role.DISTRICT_ADMIN, Role.AUDITOR})
ASSIGNEE_ROLES: dict[AssigneeRole, frozenset[Role]] = {
    AssigneeRole.GROUP_LEADER: frozenset({Role.GROUP_LEADER}),
    AssigneeRole.BRANCH_SECRETARY: frozenset({Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY}),
    AssigneeRole.COMMITTEE: frozenset({Role.COMMITTEE_OFFICER}),
}


class CaseClosed(Conflict):
    """The case is not open any more."""

    code = "contact.case_closed"
    title = "这件待联系工作已经结束"


@dataclass(frozen=True, slots=True)
class Showing:
    """What of a case is shown, and for what purpose if a number is."""

    kind: AccessKind
    purpose: str = ""
    number_id: UUID | None = None


def is_visible(actor: Actor) -> sa.ColumnElement[bool]:
    """Filter on cases joined with their organisations: the actor's to see, never his own."""
    # Not by the role on the case: the scan raises it with the stage, and whoever was given the
    # case goes on working on it.
    held = [name for name, fitting in ASSIGNEE_ROLES.items() if actor.has_role(*fitting)]
    is_given = (ContactCase.assigned_to == actor.member_id) & sa.exists().where(
        CaseAssignment.case_id == ContactCase.id,
        CaseAssignment.assignee_id == actor.member_id,
        CaseAssignment.assignee_role.in_(held),
    )
    return (ContactCase.member_id != actor.member_id) & (
        within(actor.paths(CASE_KEEPERS)) | is_given
    )


def get_case(session: Session, actor: Actor, case_id: UUID) -> ContactCase:
    """A case that the actor works on.

    Raises:
        NotFound: it is absent, out of scope, or about the actor himself.
    """
    return _get(session, case_id, is_visible(actor))


def get_kept_case(session: Session, actor: Actor, case_id: UUID) -> ContactCase:
    """A case of an organisation that the actor leads or that stands above; not merely given him.

    Raises:
        NotFound: as for `get_case`.
    """
    is_kept = within(actor.paths(CASE_KEEPERS)) & (ContactCase.member_id != actor.member_id)
    return _get(session, case_id, is_kept)


def change_open(
    session: Session, case_id: UUID, *, version: int | None = None, **values: Any
) -> None:
    """Change a case while it is open; whoever acts on one case thereby takes turns.

    Args:
        version: the version that the caller saw, where two changes would overwrite each other.

    Raises:
        CaseClosed: somebody closed it first, or the member reported himself.
        VersionConflict: somebody changed it since the caller saw it.
    """
    is_open = (ContactCase.id == case_id) & (ContactCase.state == CaseState.OPEN)
    query = sa.update(ContactCase).where(is_open)
    if version is not None:
        query = query.where(ContactCase.version == version)
    changed = session.scalar(
        query.values(version=ContactCase.version + 1, **values)
        .returning(ContactCase.id)
        .execution_options(synchronize_session=False)
    )
    if changed is None:
        still_open = session.scalar(sa.select(ContactCase.id).where(is_open))
        raise VersionConflict if still_open else CaseClosed


def note_access(
    session: Session, actor: Actor, cases: Sequence[ContactCase], *, showing: Showing, now: datetime
) -> None:
    """Record that the actor is shown these cases; in the transaction that reads them.

    The case keeps its own register, with purpose and number; the audit trail, where every
    showing of personal data is found, is told whom it showed.
    """
    rows = [
        {
            "id": new_id(),
            "case_id": case.id,
            "actor_id": actor.member_id,
            "kind": showing.kind,
            "purpose": showing.purpose,
            "number_id": showing.number_id,
            "request_id": actor.request_id,
            "at": now,
        }
        for case in cases
    ]
    insert_rows(session, CaseAccessRecord, rows)
    what = "phone" if showing.kind is AccessKind.NUMBER else "contact_case"
    audit.note_reading(session, what, [case.member_id for case in cases])


@dataclass(frozen=True, slots=True)
class AccessLine:
    """One showing of a case, with the name of whom it was shown to."""

    record: CaseAccessRecord
    actor_name: str


def list_access(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    after: list[str | int] | None,
    limit: int,
) -> Page[AccessLine]:
    """Who was shown cases of the organisation and those below it, newest first.

    Raises:
        NotFound: the organisation is out of scope.
        InvalidCursor: the cursor has another shape.
    """
    upper = get_organization(session, actor, organization_id, roles=ACCESS_READERS)
    query = (
        sa.select(CaseAccessRecord, Member.name)
        .join(Member, Member.id == CaseAccessRecord.actor_id)
        .join(ContactCase, ContactCase.id == CaseAccessRecord.case_id)
        .join(Organization, Organization.id == ContactCase.organization_id)
        .where(Organization.path.startswith(upper.path))
        .order_by(CaseAccessRecord.id.desc())
        .limit(limit + 1)
    )
    last_id = id_key(after)
    if last_id is not None:
        query = query.where(CaseAccessRecord.id < last_id)
    lines = [AccessLine(*row) for row in session.execute(query)]
    return cut(lines, limit, lambda line: [str(line.record.id)])


def _get(session: Session, case_id: UUID, condition: sa.ColumnElement[bool]) -> ContactCase:
    case = session.scalar(
        sa.select(ContactCase)
        .join(Organization, Organization.id == ContactCase.organization_id)
        .where(ContactCase.id == case_id, condition)
        .execution_options(populate_existing=True)
    )
    if case is None:
        raise NotFound
    return case
