"""The senders of a deployment, made from its settings: one line a provider."""

from collections.abc import Callable, Mapping
from datetime import datetime

from core.channel_settings import ChannelSettings
from notifications.channels.email import Email, MailServer
from notifications.channels.http import HttpCaller
from notifications.channels.jpush import JPush
from notifications.channels.robots import DingtalkRobot, FeishuRobot, WecomRobot
from notifications.channels.sender import Sender
from notifications.channels.sms_aliyun import AliyunAccount, AliyunSms
from notifications.channels.sms_tencent import TencentAccount, TencentSms
from notifications.channels.webhook import Webhook
from notifications.models import Channel

Clock = Callable[[], datetime]
Values = Mapping[str, str]
_Maker = Callable[[Values, HttpCaller, Clock], Sender]


def make_senders(settings: ChannelSettings, *, clock: Clock) -> dict[Channel, Sender]:
    """A sender for each channel that is switched on; of two for one channel the first."""
    caller = HttpCaller()
    senders: dict[Channel, Sender] = {}
    for provider in settings.providers:
        sender = _MAKERS[provider](settings.values, caller, clock)
        senders.setdefault(sender.channel, sender)
    return senders


def _email(values: Values, _caller: HttpCaller, clock: Clock) -> Sender:
    server = MailServer(
        host=values["SMTP_HOST"],
        port=int(values["SMTP_PORT"]),
        from_address=values["SMTP_FROM"],
        user=values["SMTP_USER"],
        password=values["SMTP_PASSWORD"],
        is_starttls=values["SMTP_STARTTLS"] != "0",
    )
    return Email(server, clock)


def _jpush(values: Values, caller: HttpCaller, _clock: Clock) -> Sender:
    return JPush(
        values["JPUSH_URL"], values["JPUSH_APP_KEY"], values["JPUSH_MASTER_SECRET"], caller
    )


def _sms_aliyun(values: Values, caller: HttpCaller, clock: Clock) -> Sender:
    account = AliyunAccount(
        values["SMS_ALIYUN_KEY_ID"],
        values["SMS_ALIYUN_KEY_SECRET"],
        values["SMS_ALIYUN_SIGN_NAME"],
        values["SMS_ALIYUN_TEMPLATE_CODE"],
        values["SMS_ALIYUN_LINK_TEMPLATE_CODE"],
        values["SMS_ALIYUN_CODE_TEMPLATE_CODE"],
    )
    return AliyunSms(values["SMS_ALIYUN_URL"], account, caller, clock)


def _sms_tencent(values: Values, caller: HttpCaller, clock: Clock) -> Sender:
    account = TencentAccount(
        values["SMS_TENCENT_SECRET_ID"],
        values["SMS_TENCENT_SECRET_KEY"],
        values["SMS_TENCENT_APP_ID"],
        values["SMS_TENCENT_SIGN_NAME"],
        values["SMS_TENCENT_TEMPLATE_ID"],
        values["SMS_TENCENT_REGION"],
        values["SMS_TENCENT_LINK_TEMPLATE_ID"],
        values["SMS_TENCENT_CODE_TEMPLATE_ID"],
    )
    return TencentSms(values["SMS_TENCENT_URL"], account, caller, clock)


_MAKERS: Mapping[str, _Maker] = {
    "email": _email,
    "jpush": _jpush,
    "wecom": lambda values, *rest: WecomRobot(values["WECOM_URL"], *rest),
    "dingtalk": lambda values, *rest: DingtalkRobot(values["DINGTALK_URL"], *rest),
    "feishu": lambda values, *rest: FeishuRobot(values["FEISHU_URL"], *rest),
    "webhook": lambda values, *rest: Webhook(
        values["WEBHOOK_URL"], values["WEBHOOK_SECRET"], *rest
    ),
    "sms_aliyun": _sms_aliyun,
    "sms_tencent": _sms_tencent,
}
