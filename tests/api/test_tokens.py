"""Tokens: forged ones are refused; revocation, password change and disabling work at once."""

from datetime import timedelta
from typing import Any

import flask
import jwt as pyjwt
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from api.document import PREFIX
from core.clock import utc_now
from members import passwords
from members.access_models import Account, RoleGrant
from tests.api.forged_tokens import FORGED, SECONDS, Claims, sign
from tests.served import Caller, Service
from tests.world import PASSWORD


@pytest.fixture
def claims(service: Service) -> Claims:
    """The claims of a good access token of a branch secretary."""
    token = service.tokens("书记一")["access_token"]
    decoded: Claims = pyjwt.decode(token, options={"verify_signature": False})
    return decoded


def test_corpus_starts_from_a_good_token(service: Service, claims: Claims) -> None:
    answer = Caller(service.app, service.document, sign(claims)).get("/me")

    assert answer.json["name"] == "书记一"
    assert len(FORGED) >= 40


def test_every_forged_token_is_refused(service: Service, claims: Claims) -> None:
    answers = {
        name: Caller(service.app, service.document, forge(claims)).get("/me")
        for name, forge in FORGED.items()
    }

    accepted = {name for name, answer in answers.items() if answer.status_code != 401}
    assert accepted == set()
    assert {answer.json["code"] for answer in answers.values()} == {
        "auth.required",
        "auth.token_invalid",
        "auth.token_expired",
        "auth.session_revoked",
    }


def test_access_and_refresh_tokens_do_not_stand_in_for_each_other(service: Service) -> None:
    tokens = service.tokens("书记一")
    with_refresh = Caller(service.app, service.document, tokens["refresh_token"])

    assert with_refresh.get("/me").status_code == 401
    for token, status in ((tokens["access_token"][:64], 401), (tokens["refresh_token"], 201)):
        renewed = service.nobody.post("/auth/sessions/refresh", {"refresh_token": token})
        assert renewed.status_code == status


def test_token_of_another_members_session_is_refused(service: Service, claims: Claims) -> None:
    foreign = sign(claims | {"sid": str(service.world.sessions["书记二"])})

    answer = Caller(service.app, service.document, foreign).get("/me")

    assert (answer.status_code, answer.json["code"]) == (401, "auth.session_revoked")


@pytest.mark.parametrize(
    "header",
    [
        "", "Bearer", "Bearer ", "Bearer  ", "Bearer,", ", ,", " , ", ",,,", "{token}",
        "bearer {token}", "BEARER {token}", "Basic {token}", "Token {token}", "JWT {token}",
        "Bearer {token} {token}", "Bearer {token} x", "Bearer {token}, Bearer {token}",
        "Bearer x,, Bearer y", "Bearer\u00a0{token}", "Bearer \u00a0", "Bearer \u4e2d\u6587",
        "Bearer " + "a" * 60_000, "Bearer " + "a." * 30_000, "\x85", "Bearer \xff\xfe",
    ],
)  # fmt: skip
def test_odd_authorization_header_is_refused(service: Service, header: str) -> None:
    token = service.tokens("书记一")["access_token"]
    text = header.replace("{token}", token).encode().decode("latin-1")

    answer = service.nobody.send("GET", "/me", headers={"Authorization": text})

    assert answer.status_code == 401


def test_token_counts_in_the_header_only(service: Service) -> None:
    token = service.tokens("书记一")["access_token"]
    client = service.app.test_client()
    for name in ("access_token", "access_token_cookie", "token", "jwt"):
        client.set_cookie(name, token)
        in_query = client.get(f"{PREFIX}/me", query_string={name: token})
        assert in_query.status_code == 401
    assert client.get(f"{PREFIX}/me").status_code == 401
    assert client.get(f"{PREFIX}/me", json={"access_token": token}).status_code == 401
    assert client.get(f"{PREFIX}/me", headers={"X-Authorization": token}).status_code == 401


def test_two_authorization_headers_are_refused(service: Service) -> None:
    token = service.tokens("书记一")["access_token"]
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", "Bearer x")]

    answer = service.app.test_client().get(f"{PREFIX}/me", headers=headers)

    assert answer.status_code == 401


def test_expired_token_says_that_it_may_be_refreshed(service: Service, claims: Claims) -> None:
    expired = Caller(service.app, service.document, sign(claims | {"exp": SECONDS - 1}))

    assert expired.get("/me").json["code"] == "auth.token_expired"
    assert expired.get("/me").json["retry"] == "refresh"


def test_revoked_role_stops_at_the_very_next_request(service: Service) -> None:
    world, secretary = service.world, service.caller("书记一")
    queue = f"/orgs/{world.organizations['一支部']}/claims"
    before = secretary.get(queue)

    world.session.execute(
        sa.update(RoleGrant)
        .where(RoleGrant.member_id == world.members["书记一"])
        .values(revoked_at=utc_now(), revoked_by=world.members["区管理员"])
    )
    world.session.commit()
    after = secretary.get(queue)

    assert before.status_code == 200
    assert (after.status_code, after.json["code"]) == (403, "perm.denied")
    assert secretary.get("/me").json["roles"] == []


def test_password_change_signs_every_other_device_out(service: Service) -> None:
    tokens = service.tokens("党员甲")
    other = Caller(service.app, service.document, tokens["access_token"])
    member = service.caller("党员甲")

    changed = member.put("/auth/password", {"old": PASSWORD, "new": "Red-Flag-2026-x"})

    assert changed.status_code == 204
    renewing = {"refresh_token": tokens["refresh_token"]}
    for answer in (other.get("/me"), other.post("/auth/sessions/refresh", renewing)):
        assert (answer.status_code, answer.json["code"]) == (401, "auth.session_revoked")
    assert member.get("/me").status_code == 200
    phone = service.world.phones["党员甲"]
    body = {"grant": "password", "phone": phone, "password": "Red-Flag-2026-x"}
    fresh = service.nobody.post("/auth/sessions", body)
    assert Caller(service.app, service.document, fresh.json["access_token"]).get("/me").is_json


def test_disabled_account_is_signed_out_and_stays_out(service: Service) -> None:
    tokens = service.tokens("党员甲")
    member = service.world.members["党员甲"]

    disabled = service.caller("书记一").delete(f"/members/{member}/account")

    assert disabled.status_code == 204
    caller = Caller(service.app, service.document, tokens["access_token"])
    renewing = {"refresh_token": tokens["refresh_token"]}
    for answer in (caller.get("/me"), caller.post("/auth/sessions/refresh", renewing)):
        assert (answer.status_code, answer.json["code"]) == (401, "auth.session_revoked")
    body = {"grant": "password", "phone": service.world.phones["党员甲"], "password": PASSWORD}
    refused = service.nobody.post("/auth/sessions", body)
    assert (refused.status_code, refused.json["code"]) == (401, "auth.bad_credentials")


def test_initial_password_opens_nothing_but_its_own_change(service: Service) -> None:
    member = service.world.members["党员甲"]
    issued = service.caller("书记一").post(f"/members/{member}/account")
    initial = issued.json["temporary_password"]
    body = {"grant": "password", "phone": service.world.phones["党员甲"], "password": initial}
    signed_in = service.nobody.post("/auth/sessions", body).json
    newcomer = Caller(service.app, service.document, signed_in["access_token"])

    assert signed_in["must_change_password"] is True
    assert newcomer.get("/me").json["must_change_password"] is True
    for method, template in service.document.operations:
        path = template.removeprefix(PREFIX).replace("{", "").split("}")[0]
        is_open = service.document.operations[method, template].get("security") == []
        if path in ("/me", "/auth/password", "/auth/sessions/current") or is_open:
            continue
        blocked = newcomer.send(method, service.document.path_of(method, template))
        assert blocked.json["code"] == "auth.password_change_required", template
    changed = newcomer.put("/auth/password", {"old": initial, "new": "Red-Flag-2026-x"})
    assert changed.status_code == 204


class _CountingHasher(PasswordHasher):
    """Argon2id that counts how often it was asked."""

    verified = 0

    def verify(self, *args: Any, **kwargs: Any) -> bool:
        self.verified += 1
        return super().verify(*args, **kwargs)


@pytest.mark.parametrize("case", ["right", "wrong password", "unknown phone", "no phone at all"])
def test_every_sign_in_does_the_same_work(
    service: Service, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """Counted, not timed: one verification at the full cost, whoever asks."""
    hasher = _CountingHasher(
        passwords.HASHER.time_cost, passwords.HASHER.memory_cost, passwords.HASHER.parallelism
    )
    monkeypatch.setattr(passwords, "HASHER", hasher)
    phone = service.world.phones["党员甲"]
    given = {
        "right": (phone, PASSWORD),
        "wrong password": (phone, "Wrong-Horse-2026"),
        "unknown phone": ("13911112222", PASSWORD),
        "no phone at all": ("甲乙丙丁", PASSWORD),
    }[case]

    answer = service.nobody.post(
        "/auth/sessions", {"grant": "password", "phone": given[0], "password": given[1]}
    )

    assert hasher.verified == 1
    assert answer.status_code == (201 if case == "right" else 401)


def test_failed_sign_ins_answer_alike(service: Service) -> None:
    world = service.world
    world.session.execute(
        sa.update(Account)
        .where(Account.member_id == world.members["党员乙"])
        .values(disabled_at=utc_now() - timedelta(days=1))
    )
    world.session.commit()
    cases = [
        (world.phones["党员甲"], "Wrong-Horse-2026"),
        ("13911112222", PASSWORD),
        (world.phones["党员乙"], PASSWORD),
    ]

    answers = [
        service.nobody.post("/auth/sessions", {"grant": "password", "phone": p, "password": w})
        for p, w in cases
    ]

    bodies = {a.text.replace(a.headers["X-Request-Id"], "") for a in answers}
    assert len(bodies) == 1
    assert {answer.status_code for answer in answers} == {401}


def test_app_takes_one_algorithm_and_tokens_from_headers_only(app: flask.Flask) -> None:
    assert app.config["JWT_DECODE_ALGORITHMS"] == ["HS256"]
    assert app.config["JWT_TOKEN_LOCATION"] == ["headers"]
    assert app.config["JWT_SECRET_KEY"] != app.config["SECRET_KEY"]
