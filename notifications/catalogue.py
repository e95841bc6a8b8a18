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
            "pledge_returned",
            frozenset({"title", "reason"}),
            "承诺已退回，可修改后再报",
            "“{title}”未通过：{reason}。修改后可以重新提交，已填内容都还在。",
        ),
        MessageKind(
            "pledge_approved",
            frozenset({"title"}),
            "承诺已审核通过",
            "“{title}”已审核通过。",
        ),
        MessageKind(
            "pledge_published",
            frozenset({"title"}),
            "承诺已公开",
            "“{title}”已在支部公开，可以随时记录进展，完成后报告。",
        ),
        MessageKind(
            "pledge_evaluated",
            frozenset({"title", "result", "points", "note"}),
            "承诺已评定",
            "“{title}”评定结果：{result}，计 {points} 分。{note}如有不同意见，可向支部提出。",
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
            "deduction_posted",
            frozenset({"title", "points"}),
            "记了一笔扣分",
            "“{title}”按积分方案扣 {points} 分。如与事实不符，公示期满前可以提出异议，"
            "由另一人答复；缺席的可在 30 天内补学。",
        ),
        MessageKind(
            "deduction_notice",
            frozenset({"title", "points", "basis", "until"}),
            "拟扣分告知",
            "因“{title}”拟扣 {points} 分，依据：{basis}。{until} 前可以提出异议，期满后才会计入。",
        ),
        MessageKind(
            "veto_notice",
            frozenset({"title", "basis", "until"}),
            "拟一票否决告知",
            "因“{title}”拟作一票否决，依据：{basis}。{until} 前可以提出异议，另须上级确认。",
        ),
        MessageKind(
            "adjustment_entered",
            frozenset({"title", "basis"}),
            "组织为您记了一笔积分",
            "“{title}”已记入，依据：{basis}。公示期满后生效。",
        ),
        MessageKind(
            "bulletin_published",
            frozenset({"month", "until"}),
            "积分公示",
            "支部 {month} 的积分已公示到 {until}，其中有您的积分。有不同意见可以提出异议。",
        ),
        MessageKind(
            "objection_filed",
            frozenset({"title", "due"}),
            "有一项异议",
            "对“{title}”有人提出异议，将在 {due} 前答复。",
        ),
        MessageKind(
            "objection_decided",
            frozenset({"title", "outcome", "reply"}),
            "异议已有答复",
            "对“{title}”的异议{outcome}：{reply}",
        ),
        MessageKind(
            "review_undone",
            frozenset({"title"}),
            "审核已撤销，将重新审核",
            "“{title}”刚才的审核结果已由审核人撤销，会重新审核，不需要您再做什么。",
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
        MessageKind(
            "contact_case_task",
            frozenset({"branch", "name", "task"}),
            "待联系党员的工作",
            "{branch}{name}：{task}。请在“待联系党员”中查看和记录。",
        ),
        MessageKind(
            "contact_care",
            frozenset({"since"}),
            "支部惦记着您",
            "自 {since} 以来支部没有您的消息。方便时请点“我在”，或告诉支部您的近况和联系方式。",
        ),
        MessageKind(
            "contact_call",
            frozenset({"count"}),
            "请打个电话",
            "小组里有 {count} 名党员需要联系，请看待联系名单，打个电话问候一下。",
        ),
        MessageKind(
            "contact_talk",
            frozenset({"count"}),
            "请谈话了解",
            "支部有 {count} 名党员需要谈话了解，请看待联系名单，并核对联系方式。",
        ),
        MessageKind(
            "contact_case",
            frozenset({"count"}),
            "有待联系事项",
            "所属支部有 {count} 名党员待联系，请看名单，督促支部查找。是否处理由组织研究决定。",
        ),
        MessageKind(
            "contact_outage",
            frozenset({"place", "since"}),
            "没有活动记录",
            "{place}自 {since} 之后没有记录，这些日子不计时。请了解是没有开展还是没有登记。",
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
