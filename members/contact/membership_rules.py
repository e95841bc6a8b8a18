"""Decisions about a membership: which step leads where, and what has to be there first.

Pure. The law is domain section 5.1: three ladders that are not mixed.
"""

import enum
from dataclasses import dataclass
from datetime import date

from core.errors import FieldProblem, RuleViolation
from members.contact.case_rules import removal_on
from members.models import MembershipStatus


class DecisionInvalid(RuleViolation):
    """The decision lacks what the rules ask for, or does not follow from where the member is."""

    code = "membership.decision_invalid"
    title = "这项决定不合规定"


class DecisionKind(enum.StrEnum):
    """停止党籍, 恢复党籍, 除名, 开除党籍."""

    SUSPENSION = "suspension"
    RESTORATION = "restoration"
    REMOVAL = "removal"
    EXPULSION = "expulsion"


class DecisionGround(enum.StrEnum):
    """The ladder that the decision stands on."""

    LOST_CONTACT = "lost_contact"
    SELF_WITHDRAWAL = "self_withdrawal"
    ABROAD = "abroad"
    OWN_REQUEST = "own_request"
    DISCIPLINE = "discipline"


KIND_NAMES: dict[DecisionKind, str] = {
    DecisionKind.SUSPENSION: "停止党籍",
    DecisionKind.RESTORATION: "恢复党籍",
    DecisionKind.REMOVAL: "除名",
    DecisionKind.EXPULSION: "开除党籍",
}
RESULTS: dict[DecisionKind, MembershipStatus] = {
    DecisionKind.SUSPENSION: MembershipStatus.SUSPENDED,
    DecisionKind.RESTORATION: MembershipStatus.RESTORED,
    DecisionKind.REMOVAL: MembershipStatus.REMOVED,
    DecisionKind.EXPULSION: MembershipStatus.EXPELLED,
}
_IN_GOOD_STANDING = frozenset({MembershipStatus.NORMAL, MembershipStatus.RESTORED})
_FROM: dict[DecisionKind, frozenset[MembershipStatus]] = {
    DecisionKind.SUSPENSION: _IN_GOOD_STANDING,
    DecisionKind.RESTORATION: frozenset({MembershipStatus.SUSPENDED}),
    DecisionKind.REMOVAL: _IN_GOOD_STANDING | {MembershipStatus.SUSPENDED},
    DecisionKind.EXPULSION: _IN_GOOD_STANDING | {MembershipStatus.SUSPENDED},
}
_GROUNDS: dict[DecisionKind, frozenset[DecisionGround]] = {
    DecisionKind.SUSPENSION: frozenset({DecisionGround.LOST_CONTACT, DecisionGround.ABROAD}),
    # A restoration answers the suspension, whatever that stood on; the member asks for it.
    DecisionKind.RESTORATION: frozenset({DecisionGround.OWN_REQUEST}),
    DecisionKind.REMOVAL: frozenset(
        {DecisionGround.LOST_CONTACT, DecisionGround.SELF_WITHDRAWAL, DecisionGround.OWN_REQUEST}
    ),
    DecisionKind.EXPULSION: frozenset({DecisionGround.DISCIPLINE}),
}


_REMOVAL_OF_LOST = (DecisionKind.REMOVAL, DecisionGround.LOST_CONTACT)


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """A decision as its document says: who decided, who approved, when and under which number."""

    kind: DecisionKind
    ground: DecisionGround
    deciding_body: str
    decided_on: date
    document_number: str
    approving_body: str
    approved_on: date
    note: str = ""


def require_allowed(
    facts: DecisionFacts,
    status: MembershipStatus,
    *,
    suspended_on: date | None,
    today: date,
) -> None:
    """Refuse a decision that the rules do not know.

    Args:
        status: where the member stands now.
        suspended_on: the day of approval of his newest suspension, if there is one.

    Raises:
        DecisionInvalid: with the field and the reason.
    """
    if status not in _FROM[facts.kind]:
        _refuse("kind", _why_not_from(facts.kind, status))
    if facts.ground not in _GROUNDS[facts.kind]:
        _refuse("ground", f"{KIND_NAMES[facts.kind]}不能以此为由。")
    if not facts.decided_on <= facts.approved_on <= today:
        _refuse("approved_on", "先决定，后批准，日期不晚于今天。")
    if status is MembershipStatus.SUSPENDED and suspended_on is not None:
        _require_after_suspension(facts, suspended_on)
    elif (facts.kind, facts.ground) == _REMOVAL_OF_LOST:
        _refuse("kind", "失去联系的，先停止党籍，满两年仍未取得联系的方可除名。")


def _require_after_suspension(facts: DecisionFacts, suspended_on: date) -> None:
    if facts.decided_on < suspended_on:
        _refuse("decided_on", "不能早于停止党籍。")
    if (facts.kind, facts.ground) == _REMOVAL_OF_LOST:
        ripe_on = removal_on(suspended_on)
        if facts.decided_on < ripe_on:
            _refuse("decided_on", f"停止党籍满两年（{ripe_on.isoformat()}）后方可研究除名。")


def _why_not_from(kind: DecisionKind, status: MembershipStatus) -> str:
    if kind is DecisionKind.RESTORATION:
        return "只有停止党籍的可以恢复；除名、开除的只能重新申请入党。"
    if status in (MembershipStatus.REMOVED, MembershipStatus.EXPELLED):
        return "此人已不是党员。"
    return "此人已经停止党籍。"


def _refuse(field: str, message: str) -> None:
    problem = FieldProblem(f"/{field}", DecisionInvalid.code, message)
    raise DecisionInvalid(message, problems=(problem,))
