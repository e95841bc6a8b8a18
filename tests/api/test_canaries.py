"""A marked phone, ID number and name walk through the product; where they turn up is looked for.

What policy allows is stated here: the number in full in its one operation, the name where the
organisation needs it, and nothing in any log.
"""

import io
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from api.document import PREFIX
from core.db import Base, vault_of
from members import member_keys, people
from members.id_numbers import seal_id_number
from members.models import Member
from members.phones import set_phone
from tests.api.main_job_steps import approved_entry, deliver
from tests.served import Service

PHONE, ID_NUMBER, NAME = "13777654321", "110101199003070013", "金丝雀"
# Where a name is what the row is for: the roster, the publicity, and what people are told.
NAMED = {
    ("member", "name"),
    ("bulletin_entry", "member_name"),
    ("outbox_message", "params"),
    ("inbox_message", "title"),
    ("inbox_message", "body"),
}
HOSTILE = ("\r\n2026-11-10 error forged", "a\nb", "\u2028x", "\x1b[2Jx", '"},{"event":"forged')


@pytest.fixture
def walked(service: Service) -> Service:
    """党员甲 bears the marks, has done what members do, and has been worked with."""
    session, member_id = service.world.session, service.world.members["党员甲"]
    member = session.get_one(Member, member_id)
    member.name = NAME
    set_phone(session, member, PHONE)
    key = member_keys.ensure(session, [member_id])[member_id]
    for name, value in (
        seal_id_number(vault_of(session), key, member_id, ID_NUMBER)._asdict().items()
    ):
        setattr(member, name, value)
    session.commit()
    approved_entry(service)
    deliver(service)
    service.caller("党员甲").put("/me/channels", {"channel": "email", "address": "jin@example.org"})
    return service


def test_marked_numbers_are_shown_nowhere(
    walked: Service, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    outsiders = [walked.caller("书记二")]
    insiders = [walked.caller("书记一")]
    for path in _readable(walked):
        shown = [_text_of(caller.get(path)) for caller in (*outsiders, *insiders)]
        assert [text for text in shown if PHONE in text or ID_NUMBER in text] == [], path
        assert [text for text in shown[: len(outsiders)] if NAME in text] == [], path
    assert PHONE not in "".join(_refusals(walked))
    assert [text for text in _outputs(capfd, caplog) if _has_mark(text)] == []
    metrics = walked.app.test_client().get("/metrics")
    assert metrics.status_code == 200
    assert not _has_mark(metrics.text)


def test_marks_lie_in_the_database_only_where_they_belong(walked: Service) -> None:
    found = {
        (table.name, column)
        for table in Base.metadata.sorted_tables
        for row in walked.world.session.execute(sa.select(table)).mappings()
        for column, value in row.items()
        if _has_mark(value.decode("latin-1") if isinstance(value, bytes) else str(value))
    }
    numbers = {
        (table.name, column)
        for table in Base.metadata.sorted_tables
        for row in walked.world.session.execute(sa.select(table)).mappings()
        for column, value in row.items()
        if any(mark in str(value) for mark in (PHONE, ID_NUMBER))
    }

    assert numbers == set()
    assert ("member", "name") in found <= NAMED


def test_defect_that_names_somebody_is_logged_without_his_words(
    service: Service, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError(f"{NAME} {PHONE}")

    monkeypatch.setattr(people, "create", fail)
    path = f"{PREFIX}/orgs/{service.world.organizations['一支部']}/members"
    token = service.tokens("书记一")["access_token"]
    for hostile in HOSTILE:
        body = {"name": NAME, "kind": "full_member", "phone": PHONE, "reason": "转入"}
        agent = (
            hostile.replace("\r", "")
            .replace("\n", "")
            .encode("latin-1", "ignore")
            .decode("latin-1")
        )
        headers = {"Authorization": f"Bearer {token}", "User-Agent": agent, "X-Request-Id": agent}
        client = service.app.test_client()
        failed = client.post(path, json=body, headers=headers)
        lost = client.get(f"{PREFIX}/{quote(hostile)}", headers=headers)
        assert (failed.status_code, lost.status_code) == (500, 404)
        assert not _has_mark(failed.text + lost.text)

    lines = capfd.readouterr().out.splitlines()
    assert [line for line in lines if _has_mark(line) or "forged" in line] == []
    assert len([line for line in lines if "request.failed" in line]) == len(HOSTILE)


def test_no_address_of_the_api_carries_a_number_or_a_name(service: Service) -> None:
    """Access logs have the whole address: a query has identifiers, words of ours and days."""
    names = {
        parameter["name"]
        for (_, path), operation in service.document.operations.items()
        for parameter in operation["parameters"]
        # Branches are looked up by name; that is no person's.
        if parameter["in"] in ("path", "query") and not path.endswith("/branch-names")
    }

    assert {"member_id", "limit"} <= names
    assert [one for one in names if "phone" in one or one in ("name", "id_number", "q")] == []


def _refusals(service: Service) -> Iterator[str]:
    """Answers to input that holds the marks."""
    secretary, nobody = service.caller("书记一"), service.nobody
    branch = service.world.organizations["一支部"]
    yield nobody.post(
        "/auth/sessions", {"grant": "password", "phone": PHONE, "password": "Wrong-Horse-2026"}
    ).text
    for change in ({"phone": PHONE + "9"}, {"phone": f"{PHONE}/{PHONE}"}, {"sex": PHONE}):
        body = {"name": NAME, "kind": "full_member", "reason": ""} | change
        yield secretary.post(f"/orgs/{branch}/members", body).text
    own = service.caller("党员甲")
    yield own.put("/me/channels", {"channel": "email", "address": PHONE}).text
    yield own.put("/auth/password", {"old": PHONE, "new": PHONE}).text


def _readable(service: Service) -> Iterator[str]:
    ids = {
        "organization_id": str(service.world.organizations["一支部"]),
        "member_id": str(service.world.members["党员甲"]),
    }
    for method, template in service.document.operations:
        if method == "GET":
            yield service.document.path_of(method, template, **ids)


def _text_of(answer: TestResponse) -> str:
    """What an answer says, a workbook's parts included."""
    if not answer.data.startswith(b"PK"):
        return answer.data.decode(errors="replace")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as parts:
        return "".join(parts.read(name).decode(errors="replace") for name in parts.namelist())


def _outputs(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> tuple[str, ...]:
    return (*capfd.readouterr(), caplog.text)


def _has_mark(text: str) -> bool:
    return any(mark in text for mark in (PHONE, ID_NUMBER, NAME))
