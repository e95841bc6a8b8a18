"""Kinds that a calendar sends: what is near, or waits for somebody."""

from notifications.message_kind import MessageKind

KINDS = (
    MessageKind(
        "theme_day_tomorrow",
        frozenset({"title", "starts_at", "place"}),
        "明天有主题党日",
        "“{title}”明天 {starts_at} 开始，地点：{place}。不能参加的，请在开始前请假。",
        matter="明天有主题党日",
        stop="activity_still_ahead",
    ),
    MessageKind(
        "pledge_due",
        frozenset({"title", "due"}),
        "承诺即将到期",
        "“{title}”将于 {due} 到期。完成后请报告；有困难可以申请延期。",
        matter="您的一项承诺即将到期",
        stop="pledge_still_open",
    ),
    MessageKind(
        "month_unplanned",
        frozenset({"organization", "month"}),
        "下月主题党日还没有安排",
        "“{organization}”{month} 的主题党日还没有安排，请安排；确有原因的可以说明。",
        matter="下月主题党日还没有安排",
        stop="month_still_unplanned",
    ),
    MessageKind(
        "claims_waiting",
        frozenset({"organization", "count", "days"}),
        "有申报等待审核",
        "“{organization}”有 {count} 项申报等待审核，最早的已等 {days} 天。",
        matter="有申报等待您审核",
        stop="claims_still_waiting",
    ),
    MessageKind(
        "objection_due",
        frozenset({"title", "due"}),
        "异议即将到答复期限",
        "对“{title}”的异议须在 {due} 前答复。",
        matter="有一项异议即将到答复期限",
        stop="objection_still_open",
    ),
    MessageKind(
        "period_ending",
        frozenset({"organization", "year", "ends_on", "count"}),
        "年度积分即将截止",
        "{year} 年度积分 {ends_on} 截止，“{organization}”还有 {count} 项申报没有审核。",
        matter="年度积分即将截止，还有申报没有审核",
        stop="period_still_open",
    ),
)
