"""The append-only ledger: posting granted points, reversing an entry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict, Forbidden, NotFound, RuleViolation
from core.ids import new_id
from core.rows import insert_rows
from members.access import REVIEWING_ROLES, Actor, hold_roles
from members.models import Organization
from points import reversing
from points.models import Claim, LedgerEntry, Subject
from points.rules import Grant
from points.subjects import readable_entries


class AlreadyReversed(Conflict):
    """The entry has been reversed before."""

    code = "entry.already_reversed"
    title = "这笔积分已经冲正过"


class NotReversible(RuleViolation):
    """A reversal itself is not reversed; what should stand is claimed anew."""

    code = "entry.not_reversible"
    title = "冲正记录不能再冲正"


@dataclass(frozen=True, slots=True)
class Source:
    """The fact behind an entry without a claim; a corrected fact is a new revision."""

    kind: str
    id: UUID
    revision: int


@dataclass(frozen=True, slots=True)
class Posting:
    """Granted points on their way into the ledger; a claim or another source stands behind."""

    origin: UUID | Source
    member_id: UUID
    organization_id: UUID
    period_id: UUID
    about_period_id: UUID | None
    scheme_version_id: UUID
    subject: str
    item_code: str
    component_code: str
    title: str
    happened_on: date
    grant: Grant
    inputs: dict[str, Any]

    @property
    def origin_id(self) -> UUID:
        """The claim's id, or the source's."""
        return self.origin.id if isinstance(self.origin, Source) else self.origin


def post(
    session: Session, actor: Actor, postings: Sequence[Posting], *, now: datetime
) -> dict[UUID, UUID]:
    """Append one entry per posting in one statement; returns claim or source id -> entry id."""
    rows = [_award_row(posting) for posting in postings]
    shared = {
        "reason": "",
        "actor_id": actor.member_id,
        "request_id": actor.request_id,
        "posted_at": now,
    }
    insert_rows(session, LedgerEntry, rows, shared=shared)
    return {posting.origin_id: row["id"] for posting, row in zip(postings, rows, strict=True)}


def reverse(
    session: Session, actor: Actor, entry_id: UUID, *, reason: str, now: datetime
) -> LedgerEntry:
    """Append the entry that takes another back, and free the room that it used (decision 4).

    A reversal needs the approval level of the original, and nobody reverses his own entry.

    Raises:
        NotFound: absent, or outside what the actor reviews.
        Forbidden: the entry is the actor's own, or his role was revoked meanwhile.
        AlreadyReversed, NotReversible: why it cannot be taken back.
        PeriodClosed, NoOpenPeriod: no period takes the reversal now.
    """
    original, reviewer_id = _get_reviewed(session, actor, entry_id)
    if original.member_id == actor.member_id:
        raise Forbidden("不能冲正本人的积分。")
    if reviewer_id not in hold_roles(session, actor, REVIEWING_ROLES):
        raise Forbidden("您的审核权限已停止，请刷新后再试。")
    reversal_id = reversing.reverse_all(session, actor, [original], reason=reason, now=now).get(
        entry_id
    )
    if reversal_id is None:
        raise AlreadyReversed
    return session.scalars(sa.select(LedgerEntry).where(LedgerEntry.id == reversal_id)).one()


def _get_reviewed(session: Session, actor: Actor, entry_id: UUID) -> tuple[LedgerEntry, UUID]:
    """The entry, and the organisation whose decision it was."""
    mine = [held.organization_id for held in actor.held_roles if held.role in REVIEWING_ROLES]
    reviewer_id = sa.func.coalesce(Claim.reviewer_organization_id, LedgerEntry.organization_id)
    row = session.execute(
        sa.select(LedgerEntry, reviewer_id)
        .outerjoin(Claim, Claim.id == LedgerEntry.claim_id)
        .join(Organization, Organization.id == LedgerEntry.organization_id)
        .where(LedgerEntry.id == entry_id, reviewer_id.in_(mine))
        # What a branch leader may not read of a cadre, he does not take back either.
        .where(
            (LedgerEntry.subject == Subject.PARTY_MEMBERS)
            | readable_entries(actor, [Subject.CADRES])
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    entry, organization_id = row
    if entry.reverses_id is not None:
        raise NotReversible
    return entry, organization_id


def _award_row(posting: Posting) -> dict[str, Any]:
    grant, origin = posting.grant, posting.origin
    source = origin if isinstance(origin, Source) else None
    return {
        "id": new_id(),
        "claim_id": None if source else origin,
        "source_kind": source.kind if source else None,
        "source_id": source.id if source else None,
        "source_revision": source.revision if source else None,
        "member_id": posting.member_id,
        "organization_id": posting.organization_id,
        "period_id": posting.period_id,
        "about_period_id": posting.about_period_id,
        "scheme_version_id": posting.scheme_version_id,
        "subject": posting.subject,
        "item_code": posting.item_code,
        "component_code": posting.component_code,
        "title": posting.title,
        "happened_on": posting.happened_on,
        "asked": grant.asked,
        "points": grant.points,
        "binding_cap": grant.binding_cap.bucket if grant.binding_cap else None,
        "inputs": posting.inputs,
    }
