"""The roster through HTTP: scope, masked phones, transfers, classes, exemptions, accounts."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from core.clock import business_day, utc_now
from core.ids import new_id
from members.models import Member
from tests.api_client import SignedIn, without_request_id
from tests.district import District

TODAY = business_day(utc_now())
PHONE = "13800008000"


def _new_member(**changes: Any) -> dict[str, Any]:
    return {"name": "李静", "kind": "full_member", "phone": PHONE} | changes


def test_secretary_adds_a_member_and_reads_him_masked(
    secretary: SignedIn, district: District
) -> None:
    body = _new_member(party_group_id=str(district.group.id), joined_on="2010-07-01")

    created = secretary.post(f"/orgs/{district.branch.id}/members", body)

    assert created.status_code == 201
    shown = created.get_json()
    assert (shown["phone_masked"], shown["version"]) == ("138****8000", 1)
    (belonging,) = shown["affiliations"]
    assert belonging["party_group_name"] == district.group.name
    assert belonging["affiliation"]["valid_from"] == TODAY.isoformat()
    read = secretary.get(f"/members/{shown['id']}")
    assert read.get_json() == shown
    assert PHONE not in read.text


def test_list_is_masked_and_pages(
    secretary: SignedIn, district: District, session: Session
) -> None:
    for number in range(3):
        district.enrol(f"党员{number}", phone=PHONE)
    session.commit()
    path = f"/orgs/{district.branch.id}/members"

    first = secretary.get(path, limit=3)
    second = secretary.get(path, limit=3, cursor=first.get_json()["next_cursor"])

    names = [line["name"] for page in (first, second) for line in page.get_json()["items"]]
    assert names == ["党员0", "党员1", "党员2", "操作人"]
    assert second.get_json()["next_cursor"] is None
    assert PHONE not in first.text
    assert first.get_json()["items"][0]["phone_masked"] == "138****8000"


@pytest.mark.parametrize("query", [{"cursor": "WyJ4Il0"}, {"cursor": "%%"}, {"sort": "points"}])
def test_foreign_cursor_and_unknown_query_are_refused(
    secretary: SignedIn, district: District, query: dict[str, str]
) -> None:
    assert secretary.get(f"/orgs/{district.branch.id}/members", **query).status_code == 422


def test_member_out_of_scope_answers_like_an_absent_one(
    secretary: SignedIn, district: District, session: Session
) -> None:
    stranger = district.enrol("村民", district.village, phone=PHONE)
    session.commit()
    bodies: list[tuple[str, str, Any]] = [
        ("get", "", None),
        ("put", "", {"name": "甲", "kind": "full_member", "version": 1}),
        ("post", "/transfer", {"organization_id": str(district.branch.id)}),
        ("put", "/class", {"member_class": "migrant"}),
        ("post", "/account", None),
        ("delete", "/account", None),
    ]

    for method, suffix, body in bodies:
        arguments = [body] if method in ("put", "post") else []
        outside = getattr(secretary, method)(f"/members/{stranger.id}{suffix}", *arguments)
        absent = getattr(secretary, method)(f"/members/{new_id()}{suffix}", *arguments)
        assert outside.status_code == absent.status_code == 404, suffix
        assert without_request_id(outside) == without_request_id(absent)


def test_member_reads_himself_and_nobody_else(
    app: Flask, district: District, session: Session
) -> None:
    member, other = district.enrol("王志", phone=PHONE), district.enrol("赵敏")
    client = SignedIn(app, district.open_account(member))
    session.commit()

    assert client.get(f"/members/{member.id}").get_json()["phone_masked"] == "138****8000"
    assert client.get(f"/members/{other.id}").status_code == 404
    change = {"name": "甲", "kind": "full_member", "version": 1}
    assert client.put(f"/members/{member.id}", change).status_code == 403


def test_update_keeps_an_omitted_phone_and_removes_a_null_one(
    secretary: SignedIn, member: Member
) -> None:
    change = {"name": "王志强", "kind": "full_member", "post": "网格员"}

    kept = secretary.put(f"/members/{member.id}", change | {"version": 1}).get_json()
    assert (kept["name"], kept["post"], kept["phone_masked"]) == (
        "王志强",
        "网格员",
        "138****8000",
    )
    stale = secretary.put(f"/members/{member.id}", change | {"version": 1})
    assert (stale.status_code, stale.get_json()["code"]) == (409, "conflict.version")
    removed = secretary.put(f"/members/{member.id}", change | {"version": 2, "phone": None})
    assert removed.get_json()["phone_masked"] is None


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"points": 5}, "/points"),
        ({"phone": "010-62345678"}, "/phone"),
        ({"birth_year": "1958"}, "/birth_year"),
        ({"joined_on": "2010-02-30"}, "/joined_on"),
        ({"kind": "full_member", "membership_status": "removed"}, "/membership_status"),
    ],
)
def test_bad_and_unknown_fields_are_refused_by_name(
    secretary: SignedIn, district: District, changes: dict[str, Any], pointer: str
) -> None:
    refusal = secretary.post(f"/orgs/{district.branch.id}/members", _new_member(**changes))

    assert refusal.status_code == 422
    assert [error["pointer"] for error in refusal.get_json()["errors"]] == [pointer]


def test_no_answer_has_a_field_for_the_whole_phone(app: Flask) -> None:
    schemas = app.test_client().get("/openapi.json").get_json()["components"]["schemas"]

    with_phone = {name for name, schema in schemas.items() if "phone" in schema["properties"]}

    # Input: signing in, adding a member, changing one, adding a further number.
    inputs = {"SignInIn", "SmsCodeIn", "WechatBindingIn"}
    inputs |= {"MemberIn", "MemberChangeIn", "ContactNumberIn"}
    # An office makes its number known; who is signed in confirms with the code sent to his.
    inputs |= {"ContactPhoneIn", "SessionConfirmationIn"}
    # And one answer: a number disclosed for a stated purpose, on record.
    assert with_phone == inputs | {"NumberDisclosureOut"}
