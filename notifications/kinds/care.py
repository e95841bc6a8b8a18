"""Kinds about assigned work: what the member hears of it, and what his branch hears of him."""

from notifications.message_kind import MessageKind

KINDS = (
    MessageKind(
        "work_assigned",
        frozenset({"title", "due"}),
        "分配给您一项工作",
        "“{title}”，请在 {due} 前完成。完成后请告诉支部；有困难的，请说明原因。",
        matter="组织上分配给您一项工作",
        is_duty=True,
    ),
    MessageKind(
        "work_answered",
        frozenset({"title", "outcome", "note"}),
        "分配的工作有了结果",
        "“{title}”：{outcome}。{note}如有不同意见，请向支部说明。",
        matter="分配给您的一项工作有了结果",
        is_duty=True,
    ),
    MessageKind(
        "work_reported",
        frozenset({"name", "title"}),
        "党员报告了工作情况",
        "{name}报告了“{title}”的情况，请核实后登记结果。",
        matter="有党员报告工作情况，请您核实",
        is_duty=True,
    ),
)
