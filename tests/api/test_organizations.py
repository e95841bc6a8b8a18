"""Organisations through HTTP: scope, roles, strict input, moves."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from core.ids import new_id
from members.access_models import Role
from members.models import Organization
from tests.api_client import SignedIn, client_of, without_request_id
from tests.district import District


def _branch(district: District, **changes: Any) -> dict[str, Any]:
    body = {"parent_id": str(district.town.id), "kind": "branch", "name": "东庄村党支部"}
    return body | {"sector": "village"} | changes


def test_admin_founds_renames_and_moves_a_branch(
    admin: SignedIn, district: District, session: Session
) -> None:
    created = admin.post("/admin/orgs", _branch(district))
    assert created.status_code == 201
    organization_id = created.get_json()["id"]

    change = {"name": "东庄社区党支部", "sector": "community", "version": 1}
    renamed = admin.put(f"/admin/orgs/{organization_id}", change)
    assert renamed.get_json() == created.get_json() | change | {"version": 2}

    move = {"parent_id": str(district.street.id), "reason": "村改居", "version": 2}
    moved = admin.post(f"/admin/orgs/{organization_id}/move", move)
    assert moved.status_code == 200
    assert moved.get_json()["parent_id"] == str(district.street.id)

    history = admin.get(f"/orgs/{organization_id}/history").get_json()
    assert [(entry["name"], entry["parent_name"]) for entry in history] == [
        ("东庄村党支部", "李台镇"),
        ("东庄社区党支部", "李台镇"),
        ("东庄社区党支部", "杨陵街道"),
    ]
    session.expire_all()
    stored = session.query(Organization).filter_by(name="东庄社区党支部").one()
    assert stored.path.startswith(district.street.path)


def test_tree_shows_levels_and_counts(admin: SignedIn, district: District) -> None:
    path = f"/orgs/{district.department.id}/tree"

    nodes = admin.get(path, depth=1).get_json()["items"]

    assert {node["name"]: node["members_count"] for node in nodes} == {
        "示范区委组织部": 1,
        "杨陵街道": 1,
        "李台镇": 0,
    }
    assert len(admin.get(path, depth=0).get_json()["items"]) == 1
    assert admin.get(path, depth=99).status_code == 422


def test_organization_out_of_scope_answers_like_an_absent_one(
    app: Flask, district: District
) -> None:
    secretary = client_of(app, district, Role.BRANCH_SECRETARY, district.branch)
    assert secretary.get(f"/orgs/{district.branch.id}").status_code == 200

    for suffix in ("", "/tree", "/history", "/members"):
        outside = secretary.get(f"/orgs/{district.village.id}{suffix}")
        absent = secretary.get(f"/orgs/{new_id()}{suffix}")
        assert outside.status_code == absent.status_code == 404
        assert without_request_id(outside) == without_request_id(absent)


def test_writing_out_of_scope_answers_like_writing_to_nothing(
    app: Flask, district: District
) -> None:
    secretary = client_of(app, district, Role.BRANCH_SECRETARY, district.branch)
    group = {"kind": "party_group", "name": "第二党小组"}
    assert (
        secretary.post("/admin/orgs", group | {"parent_id": str(district.branch.id)}).status_code
        == 201
    )

    answers = [
        secretary.post("/admin/orgs", group | {"parent_id": str(parent_id)})
        for parent_id in (district.village.id, new_id())
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert without_request_id(answers[0]) == without_request_id(answers[1])


def test_plain_member_reads_no_organization(app: Flask, district: District) -> None:
    member = client_of(app, district, None, district.branch)

    for path in (f"/orgs/{district.branch.id}", f"/orgs/{new_id()}"):
        refusal = member.get(path)
        assert (refusal.status_code, refusal.get_json()["code"]) == (403, "perm.denied")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"depth": 3}, "/depth"),
        ({"kind": "clan"}, "/kind"),
        ({"name": ""}, "/name"),
        ({"name": "支部\u0000"}, "/name"),
        ({"parent_id": "1"}, "/parent_id"),
    ],
)
def test_bad_and_unknown_fields_are_refused_by_name(
    admin: SignedIn, district: District, changes: dict[str, Any], pointer: str
) -> None:
    refusal = admin.post("/admin/orgs", _branch(district, **changes))

    assert refusal.status_code == 422
    assert [error["pointer"] for error in refusal.get_json()["errors"]] == [pointer]


def test_kind_is_not_among_the_changes(admin: SignedIn, district: District) -> None:
    change = {"name": "村", "sector": "village", "version": 1, "kind": "committee"}

    refusal = admin.put(f"/admin/orgs/{district.village.id}", change)

    assert [error["pointer"] for error in refusal.get_json()["errors"]] == ["/kind"]


def test_refused_moves_name_their_reason(admin: SignedIn, district: District) -> None:
    def move(what: Organization, to: Organization, version: int = 1) -> tuple[int, str]:
        body = {"parent_id": str(to.id), "reason": "调整", "version": version}
        refusal = admin.post(f"/admin/orgs/{what.id}/move", body)
        return refusal.status_code, refusal.get_json()["code"]

    assert move(district.street, district.branch) == (409, "org.cycle")
    assert move(district.branch, district.department) == (422, "org.kind_not_allowed")
    assert move(district.branch, district.town, version=7) == (409, "conflict.version")
    assert move(district.group, district.village) == (422, "org.kind_not_allowed")


def test_duplicate_name_is_conflict(admin: SignedIn, district: District) -> None:
    admin.post("/admin/orgs", _branch(district))

    refusal = admin.post("/admin/orgs", _branch(district))

    assert (refusal.status_code, refusal.get_json()["code"]) == (409, "org.duplicate_name")
