"""Who is to be contacted: the list of those at a stage, with why, for those who look after them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.paging import InvalidCursor, Page, cut
from members.access import (
    ROSTER_ROLES,
    Actor,
    get_organization,
    place_of_affiliation,
    primary_affiliation_on,
)
from members.access_models import Role
from members.contact import crossing
from members.contact.crossing import ON
from members.contact.models import CaseState, ContactCase, StageEntry, Standing
from members.contact.preview import Reasons, explain
from members.models import Affiliation, Member, Organization

WORKLIST_ROLES = ROSTER_ROLES | {Role.GROUP_LEADER}
# Those who know the member work from the first stage on; the body above, from the third.
NEAR_ROLES = frozenset({Role.GROUP_LEADER, Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY})
UPPER_STAGE = 3

_Branch, _Group = aliased(Organization), aliased(Organization)
_KEY: tuple[Any, ...] = (
    _Branch.name,
    sa.func.coalesce(_Group.name, ""),
    Member.name,
    Member.id,
    StageEntry.clock,
)


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One member at a stage, and why."""

    member_id: UUID
    name: str
    organization_id: UUID
    organization_name: str
    party_group_name: str | None
    reasons: Reasons
    entered_on: Any
    case_id: UUID | None

    @property
    def why(self) -> str:
        """The dates that it follows from, in one sentence."""
        return explain(self.reasons)


def list_work(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    after: list[str | int] | None,
    limit: int,
) -> Page[WorkItem]:
    """Members of an organisation who are to be contacted, by branch, group, name.

    Group leaders and secretaries see every stage, the bodies above see the third and later. The
    actor himself is left out: others look after him.

    Raises:
        NotFound: the organisation is out of scope.
        InvalidCursor: the cursor names nobody of this list.
    """
    top = get_organization(session, actor, organization_id, roles=WORKLIST_ROLES)
    query = _listing().where(Organization.path.startswith(top.path), Member.id != actor.member_id)
    if not actor.covers(top.path, NEAR_ROLES):
        query = query.where(StageEntry.stage >= UPPER_STAGE)
    if after is not None:
        query = query.where(_behind(session, query, after, actor))
    rows = session.execute(query.order_by(*_KEY).limit(limit + 1), {"on": actor.on}).all()
    return cut(
        [_item(row) for row in rows],
        limit,
        lambda item: [str(item.member_id), item.reasons.clock],
    )


def find_items(session: Session, actor: Actor, member_id: UUID) -> list[WorkItem]:
    """The stages at which one member is today; whoever asks has been let in already."""
    query = _listing().where(Member.id == member_id).order_by(StageEntry.clock)
    return [_item(row) for row in session.execute(query, {"on": actor.on})]


def _listing() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            Member.id,
            Member.name,
            _Branch.id.label("branch_id"),
            _Branch.name.label("branch_name"),
            _Group.name.label("group_name"),
            StageEntry,
            Standing.last_attended_on,
            Standing.last_dues_on,
            ContactCase.id.label("case_id"),
        )
        .select_from(StageEntry)
        .join(Member, Member.id == StageEntry.member_id)
        .join(Standing, Standing.member_id == Member.id)
        .join(Affiliation, primary_affiliation_on(ON))
        .join(Organization, place_of_affiliation())
        .join(_Branch, _Branch.id == Affiliation.organization_id)
        .outerjoin(_Group, _Group.id == Affiliation.party_group_id)
        .outerjoin(
            ContactCase,
            (ContactCase.member_id == Member.id)
            & (ContactCase.clock == StageEntry.clock)
            & (ContactCase.state == CaseState.OPEN),
        )
        # Between two scans a hold may have begun.
        .where(~crossing.is_paused(Member.id))
    )


def _behind(
    session: Session, query: sa.Select[Any], after: list[str | int], actor: Actor
) -> sa.ColumnElement[bool]:
    try:
        member_id, clock = UUID(str(after[0])), str(after[1])
    except (IndexError, ValueError) as error:
        raise InvalidCursor from error
    last = session.execute(
        query.with_only_columns(*_KEY).where(Member.id == member_id, StageEntry.clock == clock),
        {"on": actor.on},
    ).one_or_none()
    if last is None:
        raise InvalidCursor
    values = [sa.literal(part, column.type) for part, column in zip(last, _KEY, strict=True)]
    return sa.tuple_(*_KEY) > sa.tuple_(*values)


def _item(row: Any) -> WorkItem:
    entry: StageEntry = row.StageEntry
    reasons = Reasons(
        clock=entry.clock,
        signal=entry.signal,
        stage=entry.stage,
        since_on=entry.anchor_on,
        uncounted_days=entry.uncounted_days,
        last_attended_on=row.last_attended_on,
        last_dues_on=row.last_dues_on,
    )
    return WorkItem(
        member_id=row.id,
        name=row.name,
        organization_id=row.branch_id,
        organization_name=row.branch_name,
        party_group_name=row.group_name,
        reasons=reasons,
        entered_on=entry.entered_on,
        case_id=row.case_id,
    )
