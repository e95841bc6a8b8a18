"""The kinds of messages: what each needs, and the sentences it becomes."""

from collections.abc import Mapping
from typing import Any

from notifications.message_kind import MessageKind

TITLE_MAX = 80
BODY_MAX = 1000


KINDS = {
    kind.code: kind
    for kind in (
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
            "entry_reversed_late",
            frozenset({"title", "points", "reason", "old", "new"}),
            "以前年度的一笔积分已更正",
            "{old} 年的一笔积分已更正，计入 {new} 年：“{title}”的 {points} 分已冲正，"
            "原因：{reason}。{old} 年度的结账单不变。如有不同意见，可向支部提出。",
        ),
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
            "cadre_bulletin_published",
            frozenset({"month", "until"}),
            "村（社区）干部积分公示",
            "{month} 的村（社区）干部积分已公示到 {until}，其中有您的积分。"
            "有不同意见可以提出异议。",
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
            "objection_escalated",
            frozenset({"title", "why", "former", "body", "due"}),
            "异议已转上级办理",
            "对“{title}”的异议{why}，已由{former}转{body}办理，将在 {due} 前答复。",
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
        # Instead of a fourth reminder: somebody phones.
        MessageKind(
            "phone_this_member",
            frozenset({"name"}),
            "请打个电话",
            "同一件事已经提醒{name}三次，没有回应，不再自动提醒。请直接打电话了解情况。",
            matter="有一位党员请您打电话联系",
            is_duty=True,
        ),
        MessageKind(
            "password_changed",
            frozenset({"at"}),
            "密码已修改",
            "您的密码已于 {at} 修改，其他地方的登录随即失效。如不是您本人，请马上联系支部书记。",
            matter="您的密码已修改",
            is_duty=True,
        ),
        MessageKind(
            "role_granted",
            frozenset({"role", "organization"}),
            "担任职务",
            "您已担任{organization}的{role}，从下一次操作起有相应的权限。",
            matter="您的职务有变动",
            is_duty=True,
        ),
        MessageKind(
            "transfer_sent",
            frozenset({"name", "sender", "letter", "until"}),
            "有一名党员转来",
            "{sender}已发出{name}的组织关系介绍信（{letter}，{until} 前有效），请接收，"
            "或写明原因退回。接收前由转出支部负责。",
        ),
        MessageKind(
            "transfer_accepted",
            frozenset({"name", "receiver", "on"}),
            "组织关系已接收",
            "{name}的组织关系自 {on} 起转到{receiver}，已有积分不变。",
        ),
        MessageKind(
            "transfer_returned",
            frozenset({"name", "receiver", "reason"}),
            "组织关系被退回",
            "{receiver}退回了{name}的转接，原因：{reason}。组织关系仍在原支部。",
        ),
        MessageKind(
            "transfer_withdrawn",
            frozenset({"name", "sender", "reason"}),
            "转接已撤回",
            "{sender}撤回了{name}的转接，原因：{reason}。不需要再接收。",
        ),
        MessageKind(
            "transfer_waiting",
            frozenset({"name", "sender", "receiver", "days"}),
            "组织关系转接尚未办结",
            "{name}从{sender}转往{receiver}已 {days} 天没有接收，仍由转出支部负责，请双方核对。",
        ),
        MessageKind(
            "migrant_touch_due",
            frozenset({"name", "what", "due"}),
            "该联系流动党员了",
            "您是{name}的联系人，{due} 前请{what}，联系后记一笔即可。",
        ),
        MessageKind(
            "migrant_proposed",
            frozenset({"name", "city"}),
            "有党员外出待登记",
            "{name}外出到{city}，请登记并指定联系人，或写明原因不予登记。",
        ),
        MessageKind(
            "host_asked",
            frozenset({"name", "home"}),
            "有一名流动党员流入",
            "{home}请求接收流动党员{name}参加组织生活，请编入支部或小组，或写明原因。",
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
}


# Texts of earlier versions, for what was written before a release and is sent after it.
EARLIER: dict[tuple[str, int], MessageKind] = {}


def require_params(kind: str, params: Mapping[str, Any]) -> None:
    """Refuse, at the moment of writing, a message that could not be rendered later.

    Raises:
        ValueError: unknown kind, or missing or surplus parameters. It is a bug, not a refusal.
    """
    known = KINDS.get(kind)
    if known is None or known.params != params.keys():
        raise ValueError(f"message kind {kind!r} does not take {sorted(params)}")


def find_kind(kind: str, version: int) -> MessageKind | None:
    """The kind as it was in a version; None when only a newer release knows it."""
    latest = KINDS.get(kind)
    if latest is not None and latest.version == version:
        return latest
    return EARLIER.get((kind, version))


def known_versions() -> list[tuple[str, int]]:
    """Every kind and version that this release can render."""
    return [(kind.code, kind.version) for kind in KINDS.values()] + list(EARLIER)


def render(kind: str, params: Mapping[str, Any], version: int = 1) -> tuple[str, str]:
    """The title and body of a message, as its template was when it was written."""
    known = find_kind(kind, version)
    if known is None:
        raise LookupError(f"no template {version} of message kind {kind!r}")
    return known.title[:TITLE_MAX], known.body.format(**params)[:BODY_MAX]
