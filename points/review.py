"""Deciding claims: one or five hundred, in the same constant number of statements."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from core import audit
from core.errors import Forbidden, RuleViolation
from core.quantities import format_points
from members.access import REVIEWING_ROLES, Actor, hold_roles
from notifications import outbox
from points import decided_claims, ledger, periods, rules, schemes
from points.granting import Award, grant_all, note_of, occasion_of
from points.ledger import Posting
from points.models import ClaimStatus
from points.periods import HeldPeriods, NoOpenPeriod, PeriodClosed, PostingPeriod
from points.schemes import SchemeInForce

DECISIONS_MAX = 500


class OwnClaim(Forbidden):
    """A decision on the reviewer's own claim; told as the result of that decision."""

    code = "claim.own"
    title = "不能审核本人的申报"


class ReasonRequired(RuleViolation):
    """A return without a reason; told as the result of that decision."""

    code = "claim.reason_required"
    title = "退回须写明原因"


class Recused(Forbidden):
    """The reviewer has stepped back from this member or claim; told as the decision's result."""

    code = "claim.recused"
    title = "您已申请回避，不能审核这项申报"


_ABSENT = ("not_found", "没有找到，或不在您的审核范围内。")
_DECIDED = ("claim.already_decided", "这项申报已经处理过，请看最新内容。")
_OWN = (OwnClaim.code, "不能审核本人的申报。")
_RECUSED = (Recused.code, "您已申请回避，由其他人审核。")
_DENIED = frozenset({_ABSENT[0], _OWN[0], _RECUSED[0]})
_NO_REASON = (ReasonRequired.code, "退回须写明原因。")
_NEVER_OPENED = (PeriodClosed.code, "该年度没有开放过，不能计入。")
_SCHEME = ("scheme.none_in_force", "当日没有适用的积分方案或项目。")


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


def review(
    session: Session, actor: Actor, decisions: Sequence[Decision], *, now: datetime
) -> list[Result]:
    """Approve or return claims; a decision that cannot stand is refused alone.

    A claim that waited while its year was closed becomes an adjustment of the open year. Lock
    order: role grants, periods, claims by id, quota rows by key, ledger.

    Args:
        decisions: at most DECISIONS_MAX, each claim once.

    Raises:
        Forbidden: the actor's reviewing role was revoked meanwhile.
    """
    organizations = hold_roles(session, actor, REVIEWING_ROLES)
    held = periods.hold(session)
    claim_ids = [decision.claim_id for decision in decisions]
    claims = decided_claims.lock(session, actor, claim_ids, organizations)
    published = schemes.load_published(session)

    verdicts = [
        _judge(actor, decision, claims.get(decision.claim_id), held, published)
        for decision in decisions
    ]
    for one in verdicts:
        if isinstance(one, Result) and one.code in _DENIED:
            audit.note_denied(session, one.code, one.claim_id)
    postings = grant_all(session, [one for one in verdicts if isinstance(one, Award)])
    returned = [one for one in verdicts if isinstance(one, Decision)]
    marks = {posting.origin_id: (ClaimStatus.APPROVED, "") for posting in postings}
    marks |= {one.claim_id: (ClaimStatus.RETURNED, one.reason) for one in returned}
    decided_claims.mark(session, actor, marks, now=now)
    audit.concern(session, (claims[claim_id].member_id for claim_id in marks))
    entries = ledger.post(session, actor, postings, now=now)
    outbox.enqueue(session, _messages(postings, returned, claims), now=now)

    results = {one.claim_id: one for one in verdicts if isinstance(one, Result)}
    results |= {one.claim_id: Result(one.claim_id, Outcome.RETURNED) for one in returned}
    results |= {one.origin_id: _approved(one, entries[one.origin_id]) for one in postings}
    return [results[claim_id] for claim_id in claim_ids]


def _judge(
    actor: Actor,
    decision: Decision,
    claim: Row[Any] | None,
    held: HeldPeriods,
    published: Sequence[SchemeInForce],
) -> Award | Decision | Result:
    """An award ready to be granted, a return that stands, or the refusal of the decision."""
    refusal = _refusal(actor, decision, claim)
    if refusal is not None or claim is None:
        return _refused(decision, *(refusal or _ABSENT))
    if decision.action is Action.RETURN:
        return decision
    posting = _posting(held, claim.happened_on)
    if not isinstance(posting, PostingPeriod):
        return _refused(decision, *posting)
    scheme = schemes.choose(published, claim.path, claim.happened_on)
    item = scheme.definition.items.get(claim.item_code) if scheme else None
    if scheme is None or item is None or not item.is_claimable:
        return _refused(decision, *_SCHEME)
    asked = rules.asked_points(item, claim.quantity)
    return Award(
        origin=claim.id,
        member_id=claim.member_id,
        organization_id=claim.organization_id,
        title=claim.title,
        happened_on=claim.happened_on,
        period_id=posting.period_id,
        about_period_id=posting.about_period_id,
        scheme=scheme,
        item=item,
        asked=asked,
        inputs={"quantity": claim.quantity},
        caps=rules.caps_of(
            scheme.definition, item, claim.happened_on, asked, occasion_of(claim.id)
        ),
    )


def _posting(held: HeldPeriods, day: date) -> PostingPeriod | tuple[str, str]:
    """Where a claim's points go, or why nowhere."""
    try:
        return held.find(day) or _NEVER_OPENED
    except (PeriodClosed, NoOpenPeriod) as shut:
        return shut.code, shut.detail


def _refusal(actor: Actor, decision: Decision, claim: Row[Any] | None) -> tuple[str, str] | None:
    if claim is None:
        return _ABSENT
    if claim.member_id == actor.member_id:
        return _OWN
    if claim.is_recused:
        return _RECUSED
    if claim.status != ClaimStatus.PENDING or claim.version != decision.version:
        return _DECIDED
    if decision.action is Action.RETURN and not decision.reason:
        return _NO_REASON
    return None


def _refused(decision: Decision, code: str, message: str) -> Result:
    return Result(decision.claim_id, Outcome.REFUSED, code, message)


def _approved(posting: Posting, entry_id: UUID) -> Result:
    return Result(
        posting.origin_id,
        Outcome.APPROVED,
        message=note_of(posting),
        asked=posting.grant.asked,
        points=posting.grant.points,
        entry_id=entry_id,
    )


def _messages(
    postings: Sequence[Posting], returned: Sequence[Decision], claims: Mapping[UUID, Row[Any]]
) -> list[outbox.Message]:
    approved = [
        outbox.Message(
            posting.member_id,
            "claim_approved",
            str(posting.origin_id),
            {
                "title": posting.title,
                "points": format_points(posting.grant.points),
                "note": note_of(posting),
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
