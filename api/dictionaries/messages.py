"""Words about messages, their channels and what became of them."""

from api.dictionaries.dictionary import worded
from notifications.delivery_models import OutcomeSource, PushProvider
from notifications.failures import Resolution
from notifications.models import Because, Channel, OutboxState

WORDS = {
    "channel": worded(
        Channel,
        inbox="站内消息",
        push="手机推送",
        email="邮件",
        wecom="企业微信",
        dingtalk="钉钉",
        feishu="飞书",
        webhook="接口推送",
        sms="短信",
    ),
    "message_state": worded(
        OutboxState,
        pending="待发送",
        leased="正在发送",
        sent="已发出",
        delivered="已送达",
        rejected="被拒收",
        unknown="不知是否送达",
        expired="已过期",
        cancelled="已取消",
    ),
    "message_suppressed_because": worded(
        Because,
        no_channel="没有可用的渠道",
        no_address="没有地址",
        switched_off="本人已关闭",
        digest="并入汇总",
        quiet_hours="夜间不打扰",
        non_working_day="非工作日",
        weekly_budget="本周次数已满",
        past="已过时",
        stopped="事情已办完",
        trial="试发期间",
        unanswered="多次没有回应，改由人联系",
    ),
    "message_outcome_source": worded(
        OutcomeSource, answer="渠道应答", lease="发送中断", report="渠道回执", person="人工确认"
    ),
    "message_resolution": worded(Resolution, reached="已告知本人", not_reached="没有联系上"),
    "push_provider": worded(PushProvider, jpush="极光推送"),
}
