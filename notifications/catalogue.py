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
            "service_cancelled",
            frozenset({"title", "reason"}),
            "志愿服务已取消",
            "您报名的“{title}”已取消，原因：{reason}。",
        ),
        MessageKind(
            "service_confirmed",
            frozenset({"title", "hours", "note"}),
            "志愿服务时长已核定",
            "“{title}”已由组织者核定 {hours} 小时。{note}如有出入，可以提出更正申请。",
        ),
        MessageKind(
            "correction_answered",
            frozenset({"note"}),
            "更正申请已答复",
            "您提出的志愿服务更正申请已答复：{note}",
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
