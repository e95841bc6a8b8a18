"""Signing in and calling the API in tests, as a client does."""

from typing import Any
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import object_session
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from api.auth import access_token
from api.idempotency import HEADER
from members.access_models import Account, Role
from members.models import Organization
from tests.devices import add_session
from tests.district import District


class KeyedClient(FlaskClient):
    """A test client that gives a fresh key to each POST that brings none."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        headers = Headers(kwargs.pop("headers", None))
        if kwargs.get("method") == "POST" and HEADER not in headers:
            headers[HEADER] = str(uuid4())
        return super().open(*args, headers=headers, **kwargs)


class SignedIn:
    """A client with one member's access token."""

    def __init__(self, app: Flask, account: Account) -> None:
        session = object_session(account)
        assert session is not None
        session_id = add_session(session, account.member_id, now=account.issued_at)
        with app.test_request_context():
            token = access_token(account.member_id, session_id)
        self._client = app.test_client()
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **query: Any) -> TestResponse:
        return self._client.get("/api/v1" + path, query_string=query, headers=self._headers)

    def post(self, path: str, body: Any = None) -> TestResponse:
        return self._send("POST", path, body)

    def put(self, path: str, body: Any) -> TestResponse:
        return self._send("PUT", path, body)

    def delete(self, path: str) -> TestResponse:
        return self._send("DELETE", path, None)

    def _send(self, method: str, path: str, body: Any) -> TestResponse:
        given = {} if body is None else {"json": body}
        return self._client.open("/api/v1" + path, method=method, headers=self._headers, **given)


def client_of(app: Flask, district: District, role: Role | None, place: Organization) -> SignedIn:
    """A client of somebody who holds the role at the place, or none."""
    member = district.enrol("操作人", phone="13800000001")
    if role:
        district.appoint(member, role, place)
    client = SignedIn(app, district.open_account(member))
    district.session.commit()
    return client


def without_request_id(response: TestResponse) -> dict[str, Any]:
    """A problem document without the one member that differs between equal refusals."""
    body: dict[str, Any] = response.get_json()
    assert body.pop("request_id")
    return body
