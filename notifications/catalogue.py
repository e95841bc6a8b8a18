"""The kinds of messages: what each needs, and the sentences it becomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TITLE_MAX = 80
BODY_MAX = 1000


@dataclass(frozen=True, slots=True)
class MessageKind:
    """One kind: its required parameters and its zh-CN templates (str.format)."""

    code: str
    params: frozenset[str]
    title: str
    body: str


KINDS = {
    kind.code: kind
    for kind in (
        MessageKind(
            "claim_approved",
            frozenset({"title", "points", "note"}),
            "申报已通过",
            "“{title}”已审核通过，计 {points} 分，公示期满后生效。{note}",
        ),
        MessageKind(
            "claim_returned",
            frozenset({"title", "reason"}),
            "申报已退回，可修改后再报",
            "“{title}”未通过：{reason}。修改后可以重新提交，已填内容都还在。",
        ),
        MessageKind(
            "entry_reversed",
            frozenset({"title", "points", "reason"}),
            "一笔积分已冲正",
            "“{title}”的 {points} 分已冲正，原因：{reason}。如有不同意见，可向支部提出。",
        ),
        MessageKind(
            "activity_published",
            frozenset({"title", "place", "starts_at"}),
            "活动通知",
            "“{title}”定于 {starts_at} 举行，地点：{place}。不能参加的，请在开始前请假。",
        ),
        MessageKind(
            "activity_cancelled",
            frozenset({"title", "starts_at", "reason"}),
            "活动取消",
            "原定 {starts_at} 的“{title}”取消，原因：{reason}。",
        ),
        MessageKind(
            "leave_decided",
            frozenset({"title", "decision", "reason"}),
            "请假答复",
            "“{title}”的请假{decision}。{reason}",
        ),
        MessageKind(
            "attendance_deducted",
            frozenset({"title", "points"}),
            "一次缺席已登记",
            "“{title}”登记为无故缺席，按积分方案扣 {points} 分。"
            "如与事实不符，或已补学，请在 30 天内向支部提出。",
        ),
    )
}


def require_params(kind: str, params: Mapping[str, Any]) -> None:
    """Refuse, at the moment of writing, a message that could not be rendered later.

    Raises:
        ValueError: unknown kind, or missing or surplus parameters. It is a bug, not a refusal.
    """
    known = KINDS.get(kind)
    if known is None or known.params != params.keys():
        raise ValueError(f"message kind {kind!r} does not take {sorted(params)}")


def render(kind: str, params: Mapping[str, Any]) -> tuple[str, str]:
    """The title and body of a message."""
    known = KINDS[kind]
    return known.title[:TITLE_MAX], known.body.format(**params)[:BODY_MAX]
