"""Kinds about pledges, activities and volunteer service."""

from notifications.message_kind import MessageKind

KINDS = (
    MessageKind(
        "pledge_returned",
        frozenset({"title", "reason"}),
        "承诺已退回，可修改后再报",
        "“{title}”未通过：{reason}。修改后可以重新提交，已填内容都还在。",
        matter="您的一项承诺需要修改",
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
        matter="您的一项承诺已有评定",
    ),
    MessageKind(
        "activity_published",
        frozenset({"title", "place", "starts_at"}),
        "活动通知",
        "“{title}”定于 {starts_at} 举行，地点：{place}。不能参加的，请在开始前请假。",
        matter="有一项活动通知",
        is_duty=True,
        is_urgent_on_day=True,
        stop="activity_is_on",
    ),
    MessageKind(
        "activity_cancelled",
        frozenset({"title", "starts_at", "reason"}),
        "活动取消",
        "原定 {starts_at} 的“{title}”取消，原因：{reason}。",
        matter="有一项活动取消",
        is_duty=True,
        is_urgent_on_day=True,
    ),
    MessageKind(
        "leave_decided",
        frozenset({"title", "decision", "reason"}),
        "请假答复",
        "“{title}”的请假{decision}。{reason}",
        matter="您的请假已有答复",
    ),
    MessageKind(
        "service_cancelled",
        frozenset({"title", "reason"}),
        "志愿服务已取消",
        "您报名的“{title}”已取消，原因：{reason}。",
        matter="您报名的志愿服务已取消",
        is_duty=True,
        is_urgent_on_day=True,
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
        matter="您的更正申请已有答复",
    ),
)
