"""Sessions of devices over HTTP: opened, renewed, listed and ended."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from api.routes.auth import _NEEDED
from members.access_models import Account
from members.refreshing import GRACE
from members.session_models import DeviceSession, RefreshToken, SessionEnd, SignInMeans
from notifications.models import OutboxMessage
from tests.served import Caller, Service
from tests.statements import counted_statements
from tests.world import NOW, PASSWORD


def sign_in(service: Service, name: str = "党员甲", **given: str) -> dict[str, Any]:
    body = {"grant": "password", "phone": service.world.phones[name], "password": PASSWORD}
    answer = service.nobody.post("/auth/sessions", body | given)
    assert answer.status_code == 201
    tokens: dict[str, Any] = answer.json
    return tokens


def holder(service: Service, tokens: dict[str, Any]) -> Caller:
    return Caller(service.app, service.document, tokens["access_token"])


def refresh(service: Service, token: str) -> Any:
    return service.nobody.post("/auth/sessions/refresh", {"refresh_token": token})


def told(service: Service, kind: str) -> list[str]:
    rows = service.world.session.scalars(
        sa.select(OutboxMessage.member_id).where(OutboxMessage.kind == kind)
    )
    names = {member_id: name for name, member_id in service.world.members.items()}
    return sorted(names[member_id] for member_id in rows)


def test_signing_a_lost_phone_out_stops_its_very_next_request(service: Service) -> None:
    lost = holder(service, sign_in(service, device_name="旧手机", platform="android"))
    mine = holder(service, sign_in(service, device_name="新手机"))
    listed = mine.get("/me/sessions").json["sessions"]
    assert [(one["device_name"], one["is_current"]) for one in listed[:2]] == [
        ("新手机", True),
        ("旧手机", False),
    ]

    ended = mine.delete(f"/me/sessions/{listed[1]['id']}")

    refused = lost.get("/me")
    assert ended.status_code == 204
    assert (refused.status_code, refused.json["code"]) == (401, "auth.session_revoked")
    assert mine.get("/me").status_code == 200
    assert mine.delete(f"/me/sessions/{listed[1]['id']}").status_code == 404


def test_somebody_elses_session_is_absent(service: Service) -> None:
    other = service.world.sessions["党员乙"]

    assert service.caller("党员甲").delete(f"/me/sessions/{other}").status_code == 404
    assert service.caller("党员乙").get("/me").status_code == 200


def test_signing_out_ends_the_pair(service: Service) -> None:
    tokens = sign_in(service)
    device = holder(service, tokens)

    assert device.delete("/auth/sessions/current").status_code == 204

    for answer in (device.get("/me"), refresh(service, tokens["refresh_token"])):
        assert (answer.status_code, answer.json["code"]) == (401, "auth.session_revoked")


def test_lost_answer_is_given_again_within_the_grace(service: Service) -> None:
    first = sign_in(service)["refresh_token"]

    answers = [refresh(service, first).json for _ in range(2)]

    assert answers[0]["refresh_token"] == answers[1]["refresh_token"] != first
    assert all(holder(service, one).get("/me").status_code == 200 for one in answers)
    # One successor, so the family has not forked.
    assert refresh(service, answers[1]["refresh_token"]).status_code == 201
    sessions = sa.select(sa.func.count()).select_from(RefreshToken)
    assert service.world.session.scalar(sessions) == 3


def test_token_that_comes_back_after_the_grace_ends_the_session(service: Service) -> None:
    stolen = sign_in(service)["refresh_token"]
    current = refresh(service, stolen).json

    with time_machine.travel(NOW + GRACE + timedelta(minutes=1)):
        reused = refresh(service, stolen)
        after = refresh(service, current["refresh_token"])
        asked = holder(service, current).get("/me")

    for answer in (reused, after, asked):
        assert (answer.status_code, answer.json["code"]) == (401, "auth.session_revoked")
    assert told(service, "session_ended") == ["党员甲"]
    ended = sa.select(DeviceSession.revoked_because).where(DeviceSession.revoked_at.is_not(None))
    assert service.world.session.scalars(ended).all() == [SessionEnd.TOKEN_REUSED]


def test_session_sleeps_half_a_year_and_no_longer(service: Service) -> None:
    token = sign_in(service)["refresh_token"]

    with time_machine.travel(NOW + timedelta(days=179)):
        renewed = refresh(service, token)
    with time_machine.travel(NOW + timedelta(days=179 + 181)):
        slept = refresh(service, renewed.json["refresh_token"])

    assert (renewed.status_code, slept.status_code) == (201, 401)


def test_refresh_token_is_kept_as_a_digest_only(service: Service) -> None:
    token = sign_in(service)["refresh_token"]
    successor = refresh(service, token).json["refresh_token"]

    kept = service.world.session.scalars(sa.select(RefreshToken.digest)).all()

    assert len(kept) == 2
    assert {token, successor}.isdisjoint(kept)
    for made_up in ("x", token[:-1], token + "A", successor.swapcase()):
        assert refresh(service, made_up).json["code"] == "auth.session_revoked"


def test_sign_in_that_a_password_change_overtook_opens_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    from members import accounts

    prove = accounts.prove_password

    def prove_and_be_overtaken(session: Any, phone: str, password: str) -> Any:
        proven = prove(session, phone, password)
        session.execute(
            sa.update(Account)
            .where(Account.member_id == proven.member_id)
            .values(password_hash="another")
        )
        session.commit()
        return proven

    monkeypatch.setattr(accounts, "prove_password", prove_and_be_overtaken)
    body = {"grant": "password", "phone": service.world.phones["党员甲"], "password": PASSWORD}

    answer = service.nobody.post("/auth/sessions", body)

    assert (answer.status_code, answer.json["code"]) == (401, "auth.refused")


def test_reading_looks_the_session_up_in_the_statement_that_finds_the_actor(
    service: Service,
) -> None:
    caller = service.caller("党员甲")

    with counted_statements(service.world.session) as statements:
        assert caller.get("/me").status_code == 200

    assert len(statements) == 1


@pytest.mark.parametrize("means", SignInMeans)
def test_grant_takes_what_it_needs_and_nothing_else(service: Service, means: SignInMeans) -> None:
    every = {"phone": "13911112222", "password": "x", "code": "123456", "ticket": "x"}

    without = service.nobody.post("/auth/sessions", {"grant": means})
    surplus = service.nobody.post("/auth/sessions", every | {"grant": means})

    def fields(answer: Any) -> set[str]:
        assert answer.status_code == 422
        return {error["pointer"].strip("/") for error in answer.json["errors"]}

    assert fields(without) == _NEEDED[means]
    assert fields(surplus) == every.keys() - _NEEDED[means]
