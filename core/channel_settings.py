"""Settings of the ways out of the house; without any, messages stay in the inbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PREFIX = "PARTY_POINTS_"


class ChannelSettingsError(Exception):
    """A setting of a channel is missing or malformed."""


# Provider -> what it needs, and what else it takes with its default. The addresses are settings
# so that tests, and a deployment behind a gateway, can name another.
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "email": ("SMTP_HOST", "SMTP_FROM"),
    "jpush": ("JPUSH_APP_KEY", "JPUSH_MASTER_SECRET"),
    "wecom": (),
    "dingtalk": (),
    "feishu": (),
    "webhook": ("WEBHOOK_URL", "WEBHOOK_SECRET"),
    "sms_aliyun": (
        "SMS_ALIYUN_KEY_ID",
        "SMS_ALIYUN_KEY_SECRET",
        "SMS_ALIYUN_SIGN_NAME",
        "SMS_ALIYUN_TEMPLATE_CODE",
    ),
    "sms_tencent": (
        "SMS_TENCENT_SECRET_ID",
        "SMS_TENCENT_SECRET_KEY",
        "SMS_TENCENT_APP_ID",
        "SMS_TENCENT_SIGN_NAME",
        "SMS_TENCENT_TEMPLATE_ID",
    ),
}
DEFAULTS: Mapping[str, str] = {
    "SMTP_PORT": "587",
    "SMTP_USER": "",
    "SMTP_PASSWORD": "",
    "SMTP_STARTTLS": "1",
    "JPUSH_URL": "https://api.jpush.cn",
    "WECOM_URL": "https://qyapi.weixin.qq.com",
    "DINGTALK_URL": "https://oapi.dingtalk.com",
    "FEISHU_URL": "https://open.feishu.cn",
    "SMS_ALIYUN_CODE_TEMPLATE_CODE": "",
    "SMS_TENCENT_CODE_TEMPLATE_ID": "",
    "SMS_ALIYUN_URL": "https://dysmsapi.aliyuncs.com",
    "SMS_TENCENT_URL": "https://sms.tencentcloudapi.com",
    "SMS_TENCENT_REGION": "ap-guangzhou",
    "SMS_ALIYUN_LINK_TEMPLATE_CODE": "",
    "SMS_TENCENT_LINK_TEMPLATE_ID": "",
    # The page behind a link of “我在”; the token is the last part of its address.
    "OWN_REPORT_URL": "",
}


# Providers of a channel that is not called as they are.
_CHANNELS = {"jpush": "push", "sms_aliyun": "sms", "sms_tencent": "sms"}
_CODE_TEMPLATES = {
    "sms_aliyun": "SMS_ALIYUN_CODE_TEMPLATE_CODE",
    "sms_tencent": "SMS_TENCENT_CODE_TEMPLATE_ID",
}


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """Which providers are switched on, with what, and whether this is still a trial.

    Args:
        is_trial: on until the operator switches it off in so many words; then only
            `trial_addresses` are written to.
        callback_secret: the secret part of the address to which providers report; empty: none.
    """

    providers: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_trial: bool = True
    trial_addresses: frozenset[str] = field(default=frozenset(), repr=False)
    callback_secret: str = field(default="", repr=False)

    @property
    def channels(self) -> list[str]:
        """The channels that the providers open."""
        return sorted({_CHANNELS.get(one, one) for one in self.providers})

    @property
    def sends_codes(self) -> bool:
        """Whether the provider of text messages has a template for codes."""
        provider = next((one for one in self.providers if one in _CODE_TEMPLATES), "")
        return bool(self.values.get(_CODE_TEMPLATES.get(provider, "")))


def read_channel_settings(environ: Mapping[str, str]) -> ChannelSettings:
    """Read PARTY_POINTS_CHANNELS and what the providers that it names need.

    Raises:
        ChannelSettingsError: an unknown provider, a missing setting, or a weak callback secret.
    """
    providers = tuple(_listed(environ, "CHANNELS"))
    unknown = [name for name in providers if name not in REQUIRED]
    if unknown:
        raise ChannelSettingsError(f"{PREFIX}CHANNELS 中没有这个渠道：" + "、".join(unknown))
    needed = [name for provider in providers for name in REQUIRED[provider]]
    missing = [PREFIX + name for name in needed if not environ.get(PREFIX + name)]
    if missing:
        raise ChannelSettingsError("已启用的渠道必须设置：" + "、".join(missing))
    values = {name: environ.get(PREFIX + name, default) for name, default in DEFAULTS.items()}
    values |= {name: environ[PREFIX + name] for name in needed}
    if not values["SMTP_PORT"].isdigit():
        raise ChannelSettingsError(f"{PREFIX}SMTP_PORT 须为端口号")
    secret = environ.get(PREFIX + "CALLBACK_SECRET", "")
    if secret and len(secret) < 32:
        raise ChannelSettingsError(f"{PREFIX}CALLBACK_SECRET 至少 32 个字符")
    return ChannelSettings(
        providers=providers,
        values=values,
        is_trial=environ.get(PREFIX + "TRIAL_MODE", "1") != "0",
        trial_addresses=frozenset(_listed(environ, "TRIAL_ADDRESSES")),
        callback_secret=secret,
    )


def _listed(environ: Mapping[str, str], name: str) -> list[str]:
    return [part.strip() for part in environ.get(PREFIX + name, "").split(",") if part.strip()]
