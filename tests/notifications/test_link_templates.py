"""A link in a text message goes by the template whose domain the operator has registered."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from notifications.channels.http import HttpCaller
from notifications.channels.sender import Outgoing
from notifications.channels.sms_aliyun import AliyunAccount, AliyunSms
from notifications.channels.sms_tencent import TencentAccount, TencentSms
from tests.notifications.provider_servers import http_provider

ID = UUID("0198c0de-0000-7000-8000-000000000001")
LINK = "https://dj.example.cn/w/TOKEN"
TOLD = Outgoing(ID, str(ID), "13800000000", "王同志", ("支部正在联系您",), "own_report_link", LINK)
WITH = {"caller": HttpCaller(), "clock": lambda: datetime(2026, 11, 10, 2, tzinfo=UTC)}
OK: dict[str, Any] = {"Code": "OK", "BizId": "1"}


def test_aliyun_gets_the_code_of_the_link_or_the_usual_template() -> None:
    with http_provider((200, OK)) as provider:
        for template in ("SMS_2", ""):
            account = AliyunAccount("id", "secret", "智慧党建", "SMS_1", template)
            AliyunSms(provider.url, account, **WITH).send(TOLD)  # type: ignore[arg-type]
        linked, usual = (one.query for one in provider.received)

    assert (linked["TemplateCode"], usual["TemplateCode"]) == ("SMS_2", "SMS_1")
    assert json.loads(linked["TemplateParam"]) == {"name": "王同志", "code": "TOKEN"}
    assert json.loads(usual["TemplateParam"]) == {"name": "王同志", "matter": "支部正在联系您"}
    assert TOLD.text == f"王同志：支部正在联系您。请点开确认：{LINK}"


def test_tencent_gets_the_code_of_the_link() -> None:
    account = TencentAccount(
        "id", "secret", "1400006666", "智慧党建", "7839", link_template_id="7840"
    )
    with http_provider((200, {"Response": {"SendStatusSet": [{"Code": "Ok"}]}})) as provider:
        TencentSms(provider.url, account, **WITH).send(TOLD)  # type: ignore[arg-type]
        body = json.loads(provider.received[0].body)

    assert (body["TemplateId"], body["TemplateParamSet"]) == ("7840", ["王同志", "TOKEN"])
