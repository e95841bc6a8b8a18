"""Many claims at once, as an organiser's list asks for them: a constant number of statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.ids import new_id
from core.rows import insert_rows
from members.access import Actor
from members.models import Organization
from points import periods, rules, schemes, scores
from points.claim_routing import choose_reviewer, load_reviewers
from points.claims import NewClaim
from points.definitions import Item, match_items
from points.models import Claim, ClaimEvent, ClaimEventKind, ClaimStatus, Period
from points.schemes import SchemeInForce

_NO_SCHEME = "当日没有适用的积分方案或项目，只记录时长，不计分。"
_NO_PERIOD = "该年度未开放或已结账，只记录时长，不计分。"
_TOO_LATE = "已过申报截止日 {}，只记录时长，不计分。"


@dataclass(frozen=True, slots=True)
class Submitted:
    """The claim that now waits, or a sentence that says why there is none."""

    claim_id: UUID | None
    note: str = ""


def submit_all(
    session: Session,
    actor: Actor,
    new: Sequence[NewClaim],
    *,
    open_periods: Sequence[Period],
    now: datetime,
) -> dict[UUID, Submitted]:
    """Send claims into the queues of their branches; one that cannot count is left out.

    Args:
        open_periods: as `periods.hold_all_open` locked them.

    Returns:
        source id -> what became of it.
    """
    if not new:
        return {}
    homes = _load_organizations(session, {one.organization_id for one in new})
    reviewers = load_reviewers(session, homes, actor.on)
    published = schemes.load_published(session)
    classes = scores.find_classes(session, [(one.member_id, one.happened_on) for one in new])
    submitted, rows = {}, []
    for one in new:
        home = homes[one.organization_id]
        member_class = classes.get((one.member_id, one.happened_on), "")
        scheme = schemes.choose(published, home.path, one.happened_on)
        item = _find_item(one, scheme, member_class, open_periods, now)
        if isinstance(item, str):
            submitted[one.source_id] = Submitted(None, item)
            continue
        reviewer_id = choose_reviewer(one.member_id, home.id, home.parent_id, reviewers[home.id])
        rows.append(_claim_row(one, item, reviewer_id, actor, now))
        submitted[one.source_id] = Submitted(rows[-1]["id"])
    insert_rows(session, Claim, rows)
    insert_rows(session, ClaimEvent, [_step_row(row, actor, now) for row in rows])
    return submitted


def _load_organizations(session: Session, ids: set[UUID]) -> dict[UUID, Any]:
    rows = session.execute(
        sa.select(Organization.id, Organization.path, Organization.parent_id).where(
            Organization.id.in_(ids)
        )
    )
    return {row.id: row for row in rows}


def _find_item(
    new: NewClaim,
    scheme: SchemeInForce | None,
    member_class: str,
    open_periods: Sequence[Period],
    now: datetime,
) -> Item | str:
    """The item that the claim counts under, or why there is none."""
    if scheme is None:
        return _NO_SCHEME
    deadline = rules.claim_deadline(scheme.definition.cutoff, new.happened_on)
    if business_day(now) > deadline:
        return _TOO_LATE.format(deadline)
    if periods.find_period(open_periods, new.happened_on) is None:
        return _NO_PERIOD
    matching = match_items(scheme.definition, new.event, member_class=member_class)
    return next((item for item in matching if item.is_claimable), _NO_SCHEME)


def _claim_row(
    new: NewClaim, item: Item, reviewer_id: UUID, actor: Actor, now: datetime
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "member_id": new.member_id,
        "organization_id": new.organization_id,
        "reviewer_organization_id": reviewer_id,
        "item_code": item.code,
        "source_kind": new.source_kind,
        "source_id": new.source_id,
        "title": new.title,
        "happened_on": new.happened_on,
        "quantity": new.quantity,
        "flags": list(new.flags),
        "is_flagged": bool(new.flags),
        "status": ClaimStatus.PENDING,
        "submitted_by": actor.member_id,
        "submitted_at": now,
        "decision_reason": "",
        "version": 1,
    }


def _step_row(claim: dict[str, Any], actor: Actor, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "claim_id": claim["id"],
        "kind": ClaimEventKind.SUBMITTED,
        "actor_id": actor.member_id,
        "reason": "",
        "at": now,
    }
