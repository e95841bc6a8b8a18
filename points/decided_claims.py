"""The rows of claims under decision: locked in id order, then marked, one statement each."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from core.ids import new_id
from core.rows import dialect_of, plain_insert, row_source, rows_parameter
from members.access import Actor
from members.models import Organization
from points.models import Claim, ClaimEvent, ClaimEventKind, ClaimStatus
from points.recusals import is_recused


def lock(
    session: Session, actor: Actor, claim_ids: Sequence[UUID], organizations: frozenset[UUID]
) -> dict[UUID, Row[Any]]:
    """The claims that these organisations decide, locked until the transaction ends."""
    rows: Iterable[Any] = session.execute(
        _locking(dialect_of(session)),
        {"organizations": list(organizations), "actor": actor.member_id}
        | rows_parameter(session, [{"id": claim_id} for claim_id in claim_ids]),
    )
    return {row.id: row for row in rows}


def mark(
    session: Session,
    actor: Actor,
    verdicts: Mapping[UUID, tuple[ClaimStatus, str]],
    *,
    now: datetime,
) -> None:
    """Decide locked claims in one statement and note the step of each in one more.

    Args:
        verdicts: claim id -> the status it gets and the reason given.
    """
    if not verdicts:
        return
    steps = [
        {
            "id": new_id(),
            "claim_id": claim_id,
            # The step of being decided has the name of the status that it leads to.
            "kind": ClaimEventKind(status),
            "reason": reason,
        }
        for claim_id, (status, reason) in verdicts.items()
    ]
    dialect, given = dialect_of(session), rows_parameter(session, steps)
    session.execute(_deciding(dialect), {"actor": actor.member_id, "now": now, **given})
    noting = plain_insert(dialect, ClaimEvent, tuple(steps[0]), ("actor_id", "at"))
    session.execute(noting, {"actor_id": actor.member_id, "at": now, **given})


@cache
def _locking(dialect: str) -> sa.Select[Any]:
    claim, organization = Claim.__table__.c, Organization.__table__.c
    asked = row_source(dialect, {"id": claim.id.type})
    actor = sa.bindparam("actor", type_=claim.decided_by.type)
    return (
        sa.select(
            claim.id,
            claim.member_id,
            claim.organization_id,
            claim.item_code,
            claim.title,
            claim.happened_on,
            claim.quantity,
            claim.status,
            claim.version,
            organization.path,
            is_recused(actor, claim.member_id, claim.id).label("is_recused"),
        )
        .join(asked, asked.c.id == claim.id)
        .join(Organization.__table__, organization.id == claim.organization_id)
        .where(claim.reviewer_organization_id.in_(sa.bindparam("organizations", expanding=True)))
        .order_by(claim.id)
        .with_for_update(of=Claim.__table__)
    )


@cache
def _deciding(dialect: str) -> sa.Update:
    table = cast(sa.Table, Claim.__table__)
    columns = {"claim_id": table.c.id.type, "kind": sa.Text(), "reason": sa.Text()}
    given = row_source(dialect, columns)
    actor = sa.bindparam("actor", type_=table.c.decided_by.type)
    posted_ref = sa.case((given.c.kind == ClaimStatus.APPROVED, table.c.id), else_=None)
    return (
        sa.update(table)
        .where(
            table.c.id == given.c.claim_id,
            table.c.status == ClaimStatus.PENDING,
            # A decision that slips past the code finds no claim, and its entry no foreign key.
            ~is_recused(actor, table.c.member_id, table.c.id),
        )
        .values(
            status=given.c.kind,
            posted_ref=posted_ref,
            decision_reason=given.c.reason,
            decided_by=actor,
            decided_at=sa.bindparam("now", type_=table.c.decided_at.type),
            version=table.c.version + 1,
        )
    )
