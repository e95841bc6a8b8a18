"""The application answers in the test's transaction, and as a real server."""

import json
import urllib.request

from flask.testing import FlaskClient

from api.document import PREFIX


def test_client_answers(client: FlaskClient) -> None:
    assert client.get(f"{PREFIX}/readyz").get_json()["ok"] is True


def test_server_answers(live_server: str) -> None:
    with urllib.request.urlopen(f"{live_server}{PREFIX}/readyz", timeout=10) as answer:
        assert json.load(answer)["ok"] is True
