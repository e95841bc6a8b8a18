"""Kinds about feedback: who has to answer, and what the sender hears of it."""

from notifications.message_kind import MessageKind

KINDS = (
    MessageKind(
        "feedback_received",
        frozenset({"kind", "due"}),
        "有一件反馈等待答复",
        "收到一件{kind}，请在 {due} 之前办理并书面答复。",
        matter="有一件意见反馈等待答复",
        is_duty=True,
    ),
    MessageKind(
        "feedback_overdue",
        frozenset({"kind", "body", "due"}),
        "有一件反馈逾期没有答复",
        "由{body}答复的一件{kind}，应在 {due} 之前答复，现已逾期，请尽快办理。",
        matter="有一件意见反馈逾期",
        is_duty=True,
    ),
    MessageKind(
        "feedback_forwarded",
        frozenset({"kind", "body", "reason", "due"}),
        "您的反馈已转办",
        "您的{kind}已转由{body}答复，原因：{reason}。答复期限仍是 {due}。",
    ),
    MessageKind(
        "feedback_late",
        frozenset({"kind", "body", "due"}),
        "您的反馈还没有答复",
        "您的{kind}应由{body}在 {due} 之前答复，现已逾期。",
    ),
    MessageKind(
        "feedback_answered",
        frozenset({"kind"}),
        "您的反馈已有答复",
        "您的{kind}已有答复，请在“我的反馈”里查看。",
        matter="您的意见反馈已有答复",
    ),
    # The same for an anonymous one, which never leaves the inbox.
    MessageKind(
        "feedback_answered_quietly",
        frozenset({"kind"}),
        "您的反馈已有答复",
        "您的{kind}已有答复，请在“我的反馈”里查看。",
    ),
)
