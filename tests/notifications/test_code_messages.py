"""A code on the wire: the provider's template for codes, with the digits and nothing else."""

import json
from datetime import UTC, datetime
from uuid import UUID

from core.channel_settings import ChannelSettings
from notifications.channels.http import HttpCaller
from notifications.channels.sender import Outgoing
from notifications.channels.sms_aliyun import AliyunAccount, AliyunSms
from notifications.channels.sms_tencent import TencentAccount, TencentSms
from tests.notifications.provider_servers import http_provider

AT = datetime(2026, 11, 10, 2, 0, tzinfo=UTC)
CODE = Outgoing(UUID(int=1), "key-1", "13800000002", "", (), "sms_code", code="402917")
CALLER = HttpCaller(timeout=(1, 1))


def test_aliyun_sends_the_template_of_codes() -> None:
    account = AliyunAccount("id", "secret", "智慧党建", "SMS_1", code_template_code="SMS_2")
    with http_provider((200, {"Code": "OK"})) as provider:
        AliyunSms(provider.url, account, CALLER, lambda: AT).send(CODE)
        query = provider.received[0].query

    assert (query["TemplateCode"], json.loads(query["TemplateParam"])) == (
        "SMS_2",
        {"code": "402917"},
    )


def test_tencent_sends_the_template_of_codes() -> None:
    account = TencentAccount("id", "secret", "app", "智慧党建", "1", code_template_id="2")
    with http_provider((200, {"Response": {"SendStatusSet": [{"Code": "Ok"}]}})) as provider:
        TencentSms(provider.url, account, CALLER, lambda: AT).send(CODE)
        body = provider.received[0].json

    assert (body["TemplateId"], body["TemplateParamSet"]) == ("2", ["402917"])


def test_codes_are_sent_by_the_provider_that_sends_text_messages() -> None:
    templates = {"SMS_TENCENT_CODE_TEMPLATE_ID": "2"}

    def sends(*providers: str) -> bool:
        return ChannelSettings(providers=providers, values=templates).sends_codes

    assert sends("email", "sms_tencent", "sms_aliyun")
    assert not sends("sms_aliyun", "sms_tencent")
    assert not sends("email")
    assert not sends()
