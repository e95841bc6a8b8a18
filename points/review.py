"""Deciding claims: one or five hundred, in the same constant number of statements."""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from core.ids import new_id
from core.quantities import format_points
from core.rows import insert_rows, row_source
from members.access import REVIEWING_ROLES, Actor, hold_roles
from members.models import Organization
from notifications import outbox
from points import ledger, periods, quotas, rules, schemes
from points.ledger import Posting
from points.models import Claim, ClaimEvent, ClaimEventKind, ClaimStatus, Period
from points.schemes import SchemeInForce

DECISIONS_MAX = 500


class Action(enum.StrEnum):
    """What a reviewer may do with a claim."""

    APPROVE = "approve"
    RETURN = "return"


class Outcome(enum.StrEnum):
    """What became of one decision."""

    APPROVED = "approved"
    RETURNED = "returned"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Decision:
    """One reviewer's decision on one claim, made on the version that he saw."""

    claim_id: UUID
    version: int
    action: Action
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one decision; `code` says why a refused one was refused."""

    claim_id: UUID
    outcome: Outcome
    code: str = ""
    message: str = ""
    asked: int | None = None
    points: int | None = None
    entry_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Ready:
    """A claim that passed every check, with what posting it needs."""

    claim: Row[Any]
    period: Period
    scheme: SchemeInForce
    caps: tuple[rules.Cap, ...]


def review(
    session: Session, actor: Actor, decisions: Sequence[Decision], *, now: datetime
) -> list[Result]:
    """Approve or return claims; a decision that cannot stand is refused alone.

    Lock order: role grants, periods, claims by id, quota rows by key, ledger.

    Args:
        decisions: at most DECISIONS_MAX, each claim once.

    Raises:
        Forbidden: the actor's reviewing role was revoked meanwhile.
    """
    organizations = hold_roles(session, actor, REVIEWING_ROLES)
    open_periods = periods.hold_all_open(session)
    claims = _lock_claims(session, [decision.claim_id for decision in decisions], organizations)
    published = schemes.load_published(session)

    results: dict[UUID, Result] = {}
    ready: list[_Ready] = []
    returned: list[Decision] = []
    for decision in decisions:
        claim = claims.get(decision.claim_id)
        refusal = _refusal(actor, decision, claim)
        if refusal is not None or claim is None:
            results[decision.claim_id] = refusal or _refused(decision, *_ABSENT)
        elif decision.action is Action.RETURN:
            returned.append(decision)
        else:
            prepared = _prepare(claim, open_periods, published)
            if isinstance(prepared, Result):
                results[decision.claim_id] = prepared
            else:
                ready.append(prepared)

    postings = _grant_all(session, ready)
    _mark(session, actor, postings, returned, now=now)
    entries = ledger.post(session, actor, postings, now=now)
    outbox.enqueue(session, _messages(postings, returned, claims), now=now)

    for posting in postings:
        grant, claim_id = posting.grant, posting.claim_id
        results[claim_id] = Result(
            claim_id,
            Outcome.APPROVED,
            message=_note_of(posting),
            asked=grant.asked,
            points=grant.points,
            entry_id=entries[claim_id],
        )
    for decision in returned:
        results[decision.claim_id] = Result(decision.claim_id, Outcome.RETURNED)
    return [results[decision.claim_id] for decision in decisions]


_ABSENT = ("not_found", "没有找到，或不在您的审核范围内。")
_DECIDED = ("claim.already_decided", "这项申报已经处理过，请看最新内容。")
_OWN = ("claim.own", "不能审核本人的申报。")
_NO_REASON = ("claim.reason_required", "退回须写明原因。")
_PERIOD = ("period.closed", "该年度已结账，不能再计入。")
_SCHEME = ("scheme.none_in_force", "当日没有适用的积分方案或项目。")


def _lock_claims(
    session: Session, claim_ids: Sequence[UUID], organizations: frozenset[UUID]
) -> dict[UUID, Row[Any]]:
    asked = row_source(session, {"id": Claim.id.type}, [{"id": one} for one in claim_ids])
    rows: Iterable[Any] = session.execute(
        sa.select(
            Claim.id,
            Claim.member_id,
            Claim.organization_id,
            Claim.item_code,
            Claim.title,
            Claim.happened_on,
            Claim.quantity,
            Claim.status,
            Claim.version,
            Organization.path,
        )
        .join(Organization, Organization.id == Claim.organization_id)
        .join(asked, asked.c.id == Claim.id)
        .where(Claim.reviewer_organization_id.in_(organizations))
        .order_by(Claim.id)
        .with_for_update(of=Claim)
    )
    return {row.id: row for row in rows}


def _refusal(actor: Actor, decision: Decision, claim: Row[Any] | None) -> Result | None:
    if claim is None:
        return _refused(decision, *_ABSENT)
    if claim.member_id == actor.member_id:
        return _refused(decision, *_OWN)
    if claim.status != ClaimStatus.PENDING or claim.version != decision.version:
        return _refused(decision, *_DECIDED)
    if decision.action is Action.RETURN and not decision.reason:
        return _refused(decision, *_NO_REASON)
    return None


def _refused(decision: Decision, code: str, message: str) -> Result:
    return Result(decision.claim_id, Outcome.REFUSED, code, message)


def _prepare(
    claim: Row[Any], open_periods: Sequence[Period], published: Sequence[SchemeInForce]
) -> _Ready | Result:
    period = periods.find_period(open_periods, claim.happened_on)
    if period is None:
        return Result(claim.id, Outcome.REFUSED, *_PERIOD)
    scheme = schemes.choose(published, claim.path, claim.happened_on)
    item = scheme.definition.items.get(claim.item_code) if scheme else None
    if scheme is None or item is None:
        return Result(claim.id, Outcome.REFUSED, *_SCHEME)
    return _Ready(claim, period, scheme, rules.caps_of(scheme.definition, item, claim.happened_on))


def _grant_all(session: Session, ready: Sequence[_Ready]) -> list[Posting]:
    """Grant every claim in date order under caps whose rows are locked (domain 1.4)."""
    if not ready:
        return []
    limits: dict[quotas.Key, int] = {}
    for one in ready:
        for cap in one.caps:
            limits[_key(one, cap)] = cap.limit
    used = quotas.lock(session, limits)
    postings = []
    for one in sorted(ready, key=lambda one: (one.claim.happened_on, one.claim.id)):
        mine = {cap.bucket: used[_key(one, cap)] for cap in one.caps}
        postings.append(_posting(one, mine))
        for cap in one.caps:
            used[_key(one, cap)] += postings[-1].grant.points
    quotas.store(session, used)
    return postings


def _key(one: _Ready, cap: rules.Cap) -> quotas.Key:
    return (one.claim.member_id, one.scheme.definition.code, cap.bucket)


def _posting(one: _Ready, used: Mapping[str, int]) -> Posting:
    claim, item = one.claim, one.scheme.definition.items[one.claim.item_code]
    grant = rules.grant(rules.asked_points(item, claim.quantity), one.caps, used)
    return Posting(
        claim_id=claim.id,
        member_id=claim.member_id,
        organization_id=claim.organization_id,
        period_id=one.period.id,
        scheme_version_id=one.scheme.id,
        item_code=item.code,
        component_code=item.component,
        title=claim.title,
        happened_on=claim.happened_on,
        grant=grant,
        inputs={
            "quantity": claim.quantity,
            "caps": [
                {"bucket": c.bucket, "name": c.name, "limit": c.limit, "used": used[c.bucket]}
                for c in one.caps
            ],
        },
    )


def _mark(
    session: Session,
    actor: Actor,
    postings: Sequence[Posting],
    returned: Sequence[Decision],
    *,
    now: datetime,
) -> None:
    """Decide the locked claims in one statement and note the step in one more."""
    steps = [
        _step(posting.claim_id, ClaimStatus.APPROVED, "", actor, now) for posting in postings
    ] + [
        _step(decision.claim_id, ClaimStatus.RETURNED, decision.reason, actor, now)
        for decision in returned
    ]
    if not steps:
        return
    columns = {"claim_id": Claim.id.type, "kind": sa.Text(), "reason": sa.Text()}
    given = row_source(session, columns, [{name: step[name] for name in columns} for step in steps])
    session.execute(
        sa.update(Claim)
        .where(Claim.id == given.c.claim_id, Claim.status == ClaimStatus.PENDING)
        .values(
            status=given.c.kind,
            posted_ref=sa.case((given.c.kind == ClaimStatus.APPROVED, Claim.id), else_=None),
            decision_reason=given.c.reason,
            decided_by=actor.member_id,
            decided_at=now,
            version=Claim.version + 1,
        )
        .execution_options(synchronize_session=False)
    )
    insert_rows(session, ClaimEvent, steps)


def _step(
    claim_id: UUID, status: ClaimStatus, reason: str, actor: Actor, now: datetime
) -> dict[str, Any]:
    # A claim's event of being decided has the name of the status that it leads to.
    return {
        "id": new_id(),
        "claim_id": claim_id,
        "kind": ClaimEventKind(status),
        "actor_id": actor.member_id,
        "reason": reason,
        "at": now,
    }


def _messages(
    postings: Sequence[Posting], returned: Sequence[Decision], claims: Mapping[UUID, Row[Any]]
) -> list[outbox.Message]:
    approved = [
        outbox.Message(
            posting.member_id,
            "claim_approved",
            str(posting.claim_id),
            {
                "title": posting.title,
                "points": format_points(posting.grant.points),
                "note": _note_of(posting),
            },
        )
        for posting in postings
    ]
    sent_back = [
        outbox.Message(
            claims[decision.claim_id].member_id,
            "claim_returned",
            # A claim may be returned more than once; each return is told.
            f"{decision.claim_id}:{decision.version}",
            {"title": claims[decision.claim_id].title, "reason": decision.reason},
        )
        for decision in returned
    ]
    return approved + sent_back


def _note_of(posting: Posting) -> str:
    grant = posting.grant
    if grant.binding_cap is None:
        return ""
    return (
        f"本次应计 {format_points(grant.asked)} 分，因{grant.binding_cap.name}"
        f" {format_points(grant.binding_cap.limit)} 分，实计 {format_points(grant.points)} 分；"
        "时长仍全部记录。"
    )
