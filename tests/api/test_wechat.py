"""WeChat sign-in against a local server that speaks code2Session's wire format."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from core.db import vault_of
from members.session_models import SmsCode, WechatBinding, WechatTicket
from members.sms_codes import digits_of
from tests.api.test_sessions import holder
from tests.notifications.provider_servers import CLOSE, Provider, http_provider
from tests.served import Service

OPENID = "oGZUI0egBJY1zhBYw2KhdUfwVJJE"
SESSION_KEY = "tiihtNczf5v6AKRyjwEUhQ=="
VOUCHED = (200, {"openid": OPENID, "session_key": SESSION_KEY})


@contextmanager
def wechat(service: Service, *script: Any) -> Iterator[Provider]:
    settings = service.app.extensions["settings"]
    with http_provider(*script) as provider:
        service.app.extensions["settings"] = replace(
            settings, demo=True, wechat_appid="wx1", wechat_secret="s&c", wechat_url=provider.url
        )
        yield provider
        service.app.extensions["settings"] = settings


def sign_in(service: Service, code: str = "081Kq4Ga1") -> Any:
    return service.nobody.post("/auth/sessions", {"grant": "wechat", "code": code})


def bind(service: Service, ticket: str, name: str = "党员甲") -> Any:
    phone = service.world.phones[name]
    service.nobody.post("/auth/sms-codes", {"phone": phone, "purpose": "bind_wechat"})
    codes = sa.select(SmsCode.id).order_by(SmsCode.created_at.desc(), SmsCode.id.desc())
    digits = digits_of(
        vault_of(service.world.session), service.world.session.scalars(codes).first()
    )
    body = {"bind_ticket": ticket, "phone": phone, "code": digits}
    return service.nobody.post("/auth/wechat-bindings", body)


def test_unbound_wechat_is_bound_once_by_phone_and_signs_in_from_then_on(
    service: Service,
) -> None:
    with wechat(service, VOUCHED) as provider:
        unbound = sign_in(service, "081&x=Ga1")
        ticket = unbound.json["errors"][0]["params"]["bind_ticket"]
        bound = bind(service, ticket)
        again = bind(service, ticket, "党员乙")
        later = sign_in(service)

    assert (unbound.status_code, unbound.json["code"]) == (409, "auth.wechat_unbound")
    assert provider.received[0].path == "/sns/jscode2session"
    assert provider.received[0].query == {
        "appid": "wx1",
        "secret": "s&c",
        "js_code": "081&x=Ga1",
        "grant_type": "authorization_code",
    }
    assert (bound.status_code, later.status_code) == (201, 201)
    assert (again.status_code, again.json["code"]) == (401, "auth.bind_ticket_invalid")
    member = holder(service, later.json)
    assert member.get("/me").json["name"] == "党员甲"
    stored = [
        repr(row)
        for table in (WechatBinding, WechatTicket)
        for row in service.world.session.execute(sa.select(table.__table__))
    ]
    for secret in (OPENID, SESSION_KEY, ticket):
        assert secret not in "".join(stored) + later.text + bound.text

    assert member.delete("/me/wechat-binding").status_code == 204
    assert member.delete("/me/wechat-binding").status_code == 404
    with wechat(service, VOUCHED):
        assert sign_in(service).json["code"] == "auth.wechat_unbound"


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        ((200, {"errcode": 40029, "errmsg": "invalid code"}), 401, "auth.wechat_code_invalid"),
        ((200, {"errcode": 40163, "errmsg": "been used"}), 401, "auth.wechat_code_invalid"),
        ((200, {"errcode": 45011, "errmsg": "api minute-quota"}), 429, "auth.wechat_too_often"),
        ((200, {"errcode": -1, "errmsg": "system error"}), 503, "auth.wechat_unavailable"),
        ((200, {"errcode": 40013, "errmsg": "bad appid"}), 503, "auth.wechat_unavailable"),
        ((200, {"openid": ""}), 503, "auth.wechat_unavailable"),
        ((200, {"openid": 7}), 503, "auth.wechat_unavailable"),
        ((200, b"<html>"), 503, "auth.wechat_unavailable"),
        ((500, {"openid": OPENID}), 503, "auth.wechat_unavailable"),
        (CLOSE, 503, "auth.wechat_unavailable"),
    ],
)
def test_what_wechat_says_becomes_an_answer(
    service: Service, answer: Any, status: int, code: str
) -> None:
    with wechat(service, answer):
        refused = sign_in(service)

    assert (refused.status_code, refused.json["code"]) == (status, code)
    if status != 401:
        assert int(refused.headers["Retry-After"]) > 0


def test_time_out_is_an_answer_and_no_transaction_is_open_meanwhile(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    from api import wechat as adapter
    from api.extensions import db
    from notifications.channels.http import HttpCaller
    from tests.notifications.provider_servers import HANG

    class Watching(HttpCaller):
        def get_json(self, url: str, headers: Any) -> Any:
            is_open.append(db.session().in_transaction())
            return super().get_json(url, headers)

    is_open: list[bool] = []
    monkeypatch.setattr(adapter, "_CALLER", Watching(timeout=(0.2, 0.2)))
    with wechat(service, HANG):
        refused = sign_in(service)

    assert (refused.status_code, is_open) == (503, [False])


def test_deployment_without_an_appid_says_so(service: Service) -> None:
    refused = sign_in(service)

    assert (refused.status_code, refused.json["code"]) == (422, "auth.wechat_off")
