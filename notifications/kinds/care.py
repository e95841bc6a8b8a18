"""Kinds about care: assigned work, years abroad, cases."""

from notifications.message_kind import MessageKind
from notifications.models import Channel

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
    MessageKind(
        "abroad_review",
        frozenset({"count"}),
        "出国（境）年限将满或已满",
        "有 {count} 名党员出国（境）学习研究将满或已满规定年限，请看待联系名单，按程序研究；"
        "系统不作任何认定。",
        matter="有出国（境）党员请您研究",
        is_duty=True,
    ),
    MessageKind(
        "contact_case_reviewed",
        frozenset({"branch", "name", "finding", "note"}),
        "查找材料已审阅",
        "{branch}{name}的查找材料，党委已审阅：{finding}。{note}请在“待联系党员”中查看。",
        matter="一项待联系工作已经审阅",
        is_duty=True,
    ),
    MessageKind(
        "contact_contest_filed",
        frozenset({"branch", "name"}),
        "有书面说明待答复",
        "{branch}{name}对待联系记录作了书面说明，请核实后答复。",
        matter="有一份书面说明请您答复",
        is_duty=True,
    ),
    MessageKind(
        "contact_contest_answered",
        frozenset({"result", "answer"}),
        "您的书面说明已答复",
        "您的书面说明已答复：{result}。{answer}",
        matter="您的书面说明已有答复",
        is_duty=True,
    ),
    MessageKind(
        "own_report_link",
        frozenset({"until"}),
        "支部正在联系您",
        "支部正在联系您。方便时请点“我在”，或告诉支部您的近况；短信里的链接 {until} 前有效。",
        matter="支部正在联系您，盼您回个信",
        stop="own_report_still_waited",
        link="own_report_link",
        channels=frozenset({Channel.SMS}),
    ),
)
