"""Each channel against a local server that receives the real bytes."""

import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from notifications.channels import robots, sms_aliyun, sms_tencent
from notifications.channels.http import HttpCaller
from notifications.channels.jpush import JPush
from notifications.channels.robots import DingtalkRobot, FeishuRobot, WecomRobot
from notifications.channels.sender import Answer, Outgoing, Result, Sender
from notifications.channels.sms_aliyun import AliyunAccount, AliyunSms
from notifications.channels.sms_tencent import TencentAccount, TencentSms
from notifications.channels.webhook import Webhook, sign
from tests.notifications.provider_servers import CLOSE, HANG, http_provider

AT = datetime(2026, 11, 10, 2, 0, tzinfo=UTC)
ID = UUID("0198c0de-0000-7000-8000-000000000001")
PHONE = "13800000000"
QUICK = HttpCaller(timeout=(0.5, 0.3))
ALIYUN = AliyunAccount("id", "secret", "智慧党建", "SMS_1")
TENCENT = TencentAccount("id", "secret", "1400006666", "智慧党建", "7839")

Maker = Callable[[str], Sender]
_COMMON: dict[str, Any] = {"caller": QUICK, "clock": lambda: AT}
WECOM: Maker = partial(WecomRobot, **_COMMON)
DINGTALK: Maker = partial(DingtalkRobot, **_COMMON)
FEISHU: Maker = partial(FeishuRobot, **_COMMON)
JPUSH: Maker = partial(JPush, app_key="key", master_secret="master", caller=QUICK)
SMS_ALIYUN: Maker = partial(AliyunSms, account=ALIYUN, **_COMMON)
SMS_TENCENT: Maker = partial(TencentSms, account=TENCENT, **_COMMON)
WEBHOOK: Maker = partial(Webhook, secret="secret", **_COMMON)


def tencent(*statuses: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {"Response": {"SendStatusSet": list(statuses), "RequestId": "r"} | other}


# Sender, an answer that accepts with its number, a refusal inside of an HTTP 200 with its code.
CHANNELS: list[Any] = [
    pytest.param(WECOM, {"errcode": 0, "errmsg": "ok"}, "", {"errcode": 93000}, "93000"),
    pytest.param(DINGTALK, {"errcode": 0, "errmsg": "ok"}, "", {"errcode": 310000}, "310000"),
    pytest.param(FEISHU, {"code": 0, "msg": "success"}, "", {"code": 19021}, "19021"),
    pytest.param(FEISHU, {"StatusCode": 0}, "", {"code": 9499, "StatusCode": 0}, "9499"),
    pytest.param(
        JPUSH, {"sendno": "0", "msg_id": "18"}, "18", {"error": {"code": 1011}}, "1011"
    ),
    pytest.param(
        SMS_ALIYUN,
        {"Code": "OK", "BizId": "9006"},
        "9006",
        {"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": PHONE},
        "isv.MOBILE_NUMBER_ILLEGAL",
    ),
    pytest.param(
        SMS_TENCENT,
        tencent({"SerialNo": "5000:1045", "Code": "Ok", "PhoneNumber": PHONE}),
        "5000:1045",
        tencent({"SerialNo": "", "Code": "FailedOperation.SignatureIncorrectOrUnapproved"}),
        "FailedOperation.SignatureIncorrectOrUnapproved",
    ),
    pytest.param(WEBHOOK, {"code": 0, "message_id": "m1"}, "m1", {"code": 7}, "7"),
]  # fmt: skip


def outgoing(address: str = "token-of-him secret-of-him", key: str = "key-1") -> Outgoing:
    return Outgoing(ID, key, address, "王同志", ("您的一项申报已有结果",), "claim_approved")


@pytest.mark.parametrize(("make", "accepting", "number", "refusing", "code"), CHANNELS)
def test_provider_s_own_code_counts_not_the_status(
    make: Maker, accepting: Any, number: str, refusing: Any, code: str
) -> None:
    with http_provider((200, accepting), (200, refusing)) as provider:
        sender = make(provider.url)
        accepted, refused = sender.send(outgoing()), sender.send(outgoing())

    assert (accepted.result, accepted.provider_message_id) == (Result.ACCEPTED, number)
    assert (refused.result, refused.code) == (Result.REFUSED, code)


@pytest.mark.parametrize(("make", "accepting", "number", "refusing", "code"), CHANNELS)
def test_what_nobody_can_know_is_unknown(
    make: Maker, accepting: Any, number: str, refusing: Any, code: str
) -> None:
    answers = [HANG, CLOSE, (500, b"oops"), (502, {}), (200, b"<html>welcome</html>"), (200, [])]
    with http_provider(*answers) as provider:
        sender = make(provider.url)
        results = [sender.send(outgoing()).result for _ in answers]

    assert results == [Result.UNKNOWN] * len(answers)
    assert len(provider.received) == len(answers), "each was sent once, and really"


@pytest.mark.parametrize(("make", "accepting", "number", "refusing", "code"), CHANNELS)
def test_what_took_nothing_may_be_tried_again(
    make: Maker, accepting: Any, number: str, refusing: Any, code: str
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = make(f"http://127.0.0.1:{unused.getsockname()[1]}").send(outgoing())
    with http_provider((429, {}), (503, b"busy")) as provider:
        sender = make(provider.url)
        answers = [nobody, sender.send(outgoing()), sender.send(outgoing())]

    assert [answer.result for answer in answers] == [Result.TRY_AGAIN] * 3
    assert [answer.code for answer in answers] == ["connect", "http_429", "http_503"]


@pytest.mark.parametrize(
    ("make", "status", "body", "result"),
    [
        (WECOM, 200, {"errcode": 45009}, Result.TRY_AGAIN),
        (DINGTALK, 200, {"errcode": 130101}, Result.TRY_AGAIN),
        (FEISHU, 200, {"code": 11232}, Result.TRY_AGAIN),
        (JPUSH, 429, {"error": {"code": 2002}}, Result.TRY_AGAIN),
        (JPUSH, 500, {"error": {"code": 1000}}, Result.UNKNOWN),
        (JPUSH, 401, {"error": {"code": 1004}}, Result.REFUSED),
        (SMS_ALIYUN, 200, {"Code": "isv.BUSINESS_LIMIT_CONTROL"}, Result.TRY_AGAIN),
        (SMS_ALIYUN, 503, {"Code": "Throttling.User"}, Result.TRY_AGAIN),
        (SMS_ALIYUN, 500, {"Code": "InternalError"}, Result.UNKNOWN),
        (SMS_ALIYUN, 400, {"Code": "SignatureDoesNotMatch"}, Result.REFUSED),
        (SMS_TENCENT, 200, {"Response": {"Error": {"Code": "AuthFailure"}}}, Result.REFUSED),
        (SMS_TENCENT, 200, tencent(Error={"Code": "InternalError"}), Result.UNKNOWN),
        (SMS_TENCENT, 200, tencent(Error={"Code": "RequestLimitExceeded"}), Result.TRY_AGAIN),
        (WEBHOOK, 302, {}, Result.REFUSED),
        # A failure on their side is not made a success by what the body says.
        (WEBHOOK, 500, {"code": 0}, Result.UNKNOWN),
    ],
)
def test_provider_s_codes_are_told_apart(
    make: Maker, status: int, body: Any, result: Result
) -> None:
    with http_provider((status, body)) as provider:
        assert make(provider.url).send(outgoing()).result is result


def test_wecom_gets_a_text_under_its_limit() -> None:
    long = Outgoing(ID, "k", "robot-key", "王同志", ("很长的一件事" * 200,), "x")
    with http_provider((200, {"errcode": 0})) as provider:
        WECOM(provider.url).send(long)
        received = provider.received[0]

    assert (received.path, received.query) == ("/cgi-bin/webhook/send", {"key": "robot-key"})
    assert received.json["msgtype"] == "text"
    assert len(received.json["text"]["content"].encode()) <= robots.WECOM_BYTES_MAX
    assert "很长".encode() in received.body, "characters are sent as such, not escaped"


def test_dingtalk_s_signature_stands_in_the_query() -> None:
    with http_provider((200, {"errcode": 0})) as provider:
        DINGTALK(provider.url).send(outgoing("token-1 SEC-1"))
        received = provider.received[0]

    timestamp = str(int(AT.timestamp() * 1000))
    digest = hmac.new(b"SEC-1", f"{timestamp}\nSEC-1".encode(), hashlib.sha256).digest()
    assert received.path == "/robot/send"
    assert received.query["access_token"] == "token-1"
    assert received.query["timestamp"] == timestamp
    assert quote(base64.b64encode(digest).decode(), safe="") in received.target
    assert received.json["text"]["content"] == (
        "王同志：您的一项申报已有结果。请打开智慧党建查看。"
    )


def test_feishu_s_signature_stands_in_the_body() -> None:
    with http_provider((200, {"code": 0})) as provider:
        FEISHU(provider.url).send(outgoing("hook-1 secret-1"))
        received = provider.received[0]

    timestamp = str(int(AT.timestamp()))
    digest = hmac.new(f"{timestamp}\nsecret-1".encode(), b"", hashlib.sha256).digest()
    assert received.path == "/open-apis/bot/v2/hook/hook-1"
    assert received.json["timestamp"] == timestamp
    assert received.json["sign"] == base64.b64encode(digest).decode()
    assert received.json["msg_type"] == "text"


def test_jpush_uses_a_cid_that_it_was_given() -> None:
    issued = {"cidlist": ["8103a4c628a0b98974ec1949-711261d4-5f17-4d2f-a855-5e5a8909b26e"]}
    with http_provider((200, issued), (200, {"sendno": "0", "msg_id": "18"})) as provider:
        sender = JPUSH(provider.url)
        key = sender.reserve_key(ID)
        assert key is not None
        sender.send(outgoing("registration-1", key))
        asked, pushed = provider.received

    assert (asked.method, asked.path) == ("GET", "/v3/push/cid")
    assert pushed.headers["authorization"] == "Basic " + base64.b64encode(b"key:master").decode()
    assert pushed.json["cid"] == issued["cidlist"][0]
    assert pushed.json["audience"] == {"registration_id": ["registration-1"]}


def test_jpush_without_a_cid_gives_no_key() -> None:
    with http_provider((200, {"error": {"code": 1004}}), (500, {}), CLOSE) as provider:
        sender = JPUSH(provider.url)
        assert [sender.reserve_key(ID) for _ in range(3)] == [None] * 3


def test_aliyun_s_signature_is_that_of_its_published_example() -> None:
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    image = "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"
    query = {"ImageId": image, "RegionId": "cn-shanghai"}

    authorization = sms_aliyun.authorize(headers, query, "YourAccessKeyId", "YourAccessKeySecret")

    assert authorization == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;"
        "x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_aliyun_gets_what_was_signed() -> None:
    with http_provider((200, {"Code": "OK", "BizId": "1"})) as provider:
        SMS_ALIYUN(provider.url).send(outgoing(PHONE, key=str(ID)))
        received = provider.received[0]

    assert received.query == {
        "PhoneNumbers": PHONE,
        "SignName": "智慧党建",
        "TemplateCode": "SMS_1",
        "TemplateParam": '{"name":"王同志","matter":"您的一项申报已有结果"}',
        "OutId": str(ID),
    }
    signed = {
        name: value
        for name, value in received.headers.items()
        if name == "host" or name.startswith("x-acs-")
    }
    assert received.headers["x-acs-date"] == "2026-11-10T02:00:00Z"
    assert received.headers["authorization"] == sms_aliyun.authorize(
        signed, received.query, "id", "secret"
    )


def test_tencent_s_signature_is_that_of_its_published_example() -> None:
    body = (
        rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
    )

    authorization = sms_tencent.authorize(
        body,
        host="cvm.tencentcloudapi.com",
        service="cvm",
        at=datetime.fromtimestamp(1551113065, UTC),
        secret=("AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"),
    )

    assert authorization == (
        "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/"
        "tc3_request, SignedHeaders=content-type;host,"
        " Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
    )


def test_tencent_gets_what_was_signed() -> None:
    with http_provider((200, tencent({"SerialNo": "1", "Code": "Ok"}))) as provider:
        SMS_TENCENT(provider.url).send(outgoing(PHONE, key=str(ID)))
        received = provider.received[0]

    assert received.json == {
        "PhoneNumberSet": [f"+86{PHONE}"],
        "SmsSdkAppId": "1400006666",
        "SignName": "智慧党建",
        "TemplateId": "7839",
        "TemplateParamSet": ["王同志", "您的一项申报已有结果"],
        "SessionContext": str(ID),
    }
    assert received.headers["x-tc-action"] == "SendSms"
    assert received.headers["authorization"] == sms_tencent.authorize(
        received.body,
        host=received.headers["host"],
        service="sms",
        at=AT,
        secret=("id", "secret"),
    )


def test_webhook_is_signed_over_time_and_body() -> None:
    with http_provider((200, {"code": 0})) as provider:
        WEBHOOK(provider.url + "/in").send(outgoing("member-7"))
        received = provider.received[0]

    assert received.path == "/in"
    assert received.headers["idempotency-key"] == "key-1"
    assert received.headers["x-points-signature"] == sign(
        "secret", received.headers["x-points-timestamp"], received.body
    )
    assert received.json["recipient"] == "member-7"


@pytest.mark.parametrize(("make", "accepting", "number", "refusing", "code"), CHANNELS)
def test_no_address_and_no_secret_stands_in_a_log(
    make: Maker,
    accepting: Any,
    number: str,
    refusing: Any,
    code: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    with http_provider((200, accepting), (200, refusing), (500, {}), CLOSE) as provider:
        sender = make(provider.url)
        for _ in range(4):
            sender.send(outgoing("13800007777 secret-of-him"))

    written = capsys.readouterr()
    text = caplog.text + written.out + written.err
    assert [word for word in ("13800007777", "secret-of-him", provider.url) if word in text] == []


def test_answer_keeps_no_phone_in_its_code() -> None:
    assert Answer(Result.REFUSED, f"bad:{PHONE} 号码").code == "bad:"


def test_outgoing_shows_nothing_in_a_log() -> None:
    assert PHONE not in repr(outgoing(PHONE))


def test_json_of_senders_is_the_shortest() -> None:
    with http_provider((200, {"errcode": 0})) as provider:
        WECOM(provider.url).send(outgoing("robot-key"))

    body = provider.received[0].body
    assert body == json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")).encode()
