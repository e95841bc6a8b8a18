"""Kinds about claims, entries, bulletins and objections."""

from notifications.message_kind import MessageKind

KINDS = (
    MessageKind(
        "claim_approved",
        frozenset({"title", "points", "note"}),
        "申报已通过",
        "“{title}”已审核通过，计 {points} 分，公示期满后生效。{note}",
        matter="您的一项申报已有结果",
    ),
    MessageKind(
        "claim_returned",
        frozenset({"title", "reason"}),
        "申报已退回，可修改后再报",
        "“{title}”未通过：{reason}。修改后可以重新提交，已填内容都还在。",
        matter="您的一项申报需要修改",
    ),
    MessageKind(
        "entry_reversed",
        frozenset({"title", "points", "reason"}),
        "一笔积分已冲正",
        "“{title}”的 {points} 分已冲正，原因：{reason}。如有不同意见，可向支部提出。",
        matter="您的一笔积分有变动",
        is_duty=True,
    ),
    MessageKind(
        "deduction_posted",
        frozenset({"title", "points"}),
        "记了一笔扣分",
        "“{title}”按积分方案扣 {points} 分。如与事实不符，公示期满前可以提出异议，"
        "由另一人答复；缺席的可在 30 天内补学。",
        matter="您的一笔积分有变动",
        is_duty=True,
    ),
    MessageKind(
        "deduction_notice",
        frozenset({"title", "points", "basis", "until"}),
        "拟扣分告知",
        "因“{title}”拟扣 {points} 分，依据：{basis}。{until} 前可以提出异议，期满后才会计入。",
        matter="有一份告知书请查看",
        is_duty=True,
    ),
    MessageKind(
        "veto_notice",
        frozenset({"title", "basis", "until"}),
        "拟一票否决告知",
        "因“{title}”拟作一票否决，依据：{basis}。{until} 前可以提出异议，另须上级确认。",
        matter="有一份告知书请查看",
        is_duty=True,
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
        matter="支部有一份公示",
    ),
    MessageKind(
        "objection_filed",
        frozenset({"title", "due"}),
        "有一项异议",
        "对“{title}”有人提出异议，将在 {due} 前答复。",
        matter="有一项异议请查看",
        is_duty=True,
    ),
    MessageKind(
        "objection_decided",
        frozenset({"title", "outcome", "reply"}),
        "异议已有答复",
        "对“{title}”的异议{outcome}：{reply}",
        matter="一项异议已有答复",
        is_duty=True,
    ),
    MessageKind(
        "review_undone",
        frozenset({"title"}),
        "审核已撤销，将重新审核",
        "“{title}”刚才的审核结果已由审核人撤销，会重新审核，不需要您再做什么。",
    ),
    MessageKind(
        "entry_reversed_late",
        frozenset({"title", "points", "reason", "old", "new"}),
        "以前年度的一笔积分已更正",
        "{old} 年的一笔积分已更正，计入 {new} 年：“{title}”的 {points} 分已冲正，"
        "原因：{reason}。{old} 年度的结账单不变。如有不同意见，可向支部提出。",
        matter="您以前年度的一笔积分有更正",
        is_duty=True,
    ),
    MessageKind(
        "cadre_bulletin_published",
        frozenset({"month", "until"}),
        "村（社区）干部积分公示",
        "{month} 的村（社区）干部积分已公示到 {until}，其中有您的积分。有不同意见可以提出异议。",
        matter="有一份干部积分公示",
    ),
    MessageKind(
        "objection_escalated",
        frozenset({"title", "why", "former", "body", "due"}),
        "异议已转上级办理",
        "对“{title}”的异议{why}，已由{former}转{body}办理，将在 {due} 前答复。",
        matter="一项异议已转上级办理",
        is_duty=True,
    ),
)
