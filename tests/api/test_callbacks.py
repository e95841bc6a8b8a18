"""Providers report what became of a message: doubled, late, odd."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from core.channel_settings import ChannelSettings
from notifications.channels import webhook
from notifications.models import OutboxState
from tests.api.failed_messages import failed, stored
from tests.served import Service

SECRET = "a-secret-part-of-the-address-of-callbacks"


@pytest.fixture
def callbacks(service: Service) -> Iterator[Flask]:
    settings = service.app.extensions["settings"]
    channels = ChannelSettings(values={"WEBHOOK_SECRET": "hook"}, callback_secret=SECRET)
    service.app.extensions["settings"] = replace(settings, channels=channels)
    yield service.app
    service.app.extensions["settings"] = settings


def call_back(app: Flask, provider: str, body: Any) -> TestResponse:
    path, data = f"/callbacks/{provider}/{SECRET}", json.dumps(body)
    return app.test_client().post(path, data=data, content_type="application/json")


def aliyun(*, success: bool, biz_id: str = "b1", out_id: str = "") -> dict[str, Any]:
    return {
        "phone_number": "13800000000",
        "send_time": "2026-11-10 10:00:00",
        "report_time": "2026-11-10 10:00:03",
        "success": success,
        "err_code": "DELIVERED" if success else "MOBILE_NOT_ON_SERVICE",
        "err_msg": "用户接收成功",
        "sms_size": "1",
        "biz_id": biz_id,
        "out_id": out_id,
    }


def tencent(status: str, sid: str) -> dict[str, Any]:
    return {
        "user_receive_time": "2026-11-10 10:00:03",
        "nationcode": "86",
        "mobile": "13800000000",
        "report_status": status,
        "errmsg": "DELIVRD" if status == "SUCCESS" else "UNDELIV",
        "description": "用户短信送达成功",
        "sid": sid,
    }


def test_aliyun_s_reports_move_forward_only(service: Service, callbacks: Flask) -> None:
    sent = failed(service, "党员甲", OutboxState.SENT, provider_message_id="b1")
    unknown = failed(service, "党员乙")
    late = aliyun(success=False)

    thanks = call_back(callbacks, "sms_aliyun", [aliyun(success=True), late])
    call_back(callbacks, "sms_aliyun", [late])
    call_back(callbacks, "sms_aliyun", [aliyun(success=False, biz_id="b2", out_id=str(unknown))])

    assert (thanks.status_code, thanks.json) == (200, {"code": 0, "msg": "成功"})
    assert stored(service, sent).state == OutboxState.DELIVERED
    row = stored(service, unknown)
    assert (row.state, row.provider_code) == (OutboxState.REJECTED, "MOBILE_NOT_ON_SERVICE")


def test_tencent_s_reports_name_the_serial_number(service: Service, callbacks: Flask) -> None:
    given = {"provider": "sms_tencent", "provider_message_id": "5000:1"}
    sent = failed(service, "党员甲", OutboxState.SENT, **given)

    thanks = call_back(callbacks, "sms_tencent", [tencent("SUCCESS", "5000:1")])

    assert thanks.json == {"result": 0, "errmsg": "OK"}
    assert stored(service, sent).state == OutboxState.DELIVERED


def test_webhook_s_reports_are_signed(service: Service, callbacks: Flask) -> None:
    sent = failed(service, "党员甲", OutboxState.SENT, provider="webhook", channel="webhook")
    body = b'{"reports":[{"id":"%s","state":"delivered"}]}' % str(sent).encode()
    signature = webhook.sign("hook", "1", body)

    def answer(signed: str) -> int:
        headers = {"X-Points-Timestamp": "1", "X-Points-Signature": signed}
        path = f"/callbacks/webhook/{SECRET}"
        return callbacks.test_client().post(path, data=body, headers=headers).status_code

    assert (answer("sha256=0"), stored(service, sent).state) == (404, OutboxState.SENT)
    assert (answer(signature), stored(service, sent).state) == (200, OutboxState.DELIVERED)


@pytest.mark.parametrize("odd", ["\x00", "\ud800", "x" * 200, "", "1; DROP TABLE member"])
def test_odd_numbers_in_a_report_name_no_message(callbacks: Flask, odd: str) -> None:
    odd_everywhere = aliyun(success=True) | {"biz_id": odd, "out_id": odd, "err_code": odd}

    assert call_back(callbacks, "sms_aliyun", [odd_everywhere]).status_code == 200


@pytest.mark.parametrize("path", ["sms_aliyun/wrong", "nobody/" + SECRET, "email/" + SECRET])
def test_address_without_its_secret_is_not_found(callbacks: Flask, path: str) -> None:
    assert callbacks.test_client().post(f"/callbacks/{path}", json=[]).status_code == 404


def test_deployment_without_a_secret_takes_no_callback(service: Service) -> None:
    assert call_back(service.app, "sms_aliyun", []).status_code == 404
    assert service.app.test_client().post("/callbacks/sms_aliyun/").status_code == 404


@pytest.mark.parametrize(
    "body", [{}, "x", 7, [1], [{}], [{"success": True}], [aliyun(success=True)] * 501]
)
def test_body_that_is_no_report_is_refused(callbacks: Flask, body: Any) -> None:
    assert call_back(callbacks, "sms_aliyun", body).status_code == 422
