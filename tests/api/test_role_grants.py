"""Role grants through HTTP: scope, separation, revocation at the next request, delegates."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from core.clock import business_day, utc_now
from core.ids import new_id
from members.access_models import Role, RoleGrant
from members.models import Member
from tests.api_client import SignedIn, without_request_id
from tests.district import District

TODAY = business_day(utc_now())


def _grant(member_id: UUID, role: Role, place_id: UUID, **more: Any) -> dict[str, Any]:
    return {"member_id": str(member_id), "role": role, "organization_id": str(place_id)} | more


def test_granted_role_works_and_a_revoked_one_stops_at_the_next_request(
    app: Flask, admin: SignedIn, district: District, session: Session, member: Member
) -> None:
    client = SignedIn(app, district.open_account(member))
    session.commit()
    roster = f"/orgs/{district.branch.id}/members"
    assert client.get(roster).status_code == 403

    body = _grant(member.id, Role.BRANCH_SECRETARY, district.branch.id, basis="街党发 3 号")
    granted = admin.post("/admin/role-grants", body)
    assert granted.status_code == 201
    assert granted.get_json()["valid_from"] == TODAY.isoformat()
    assert client.get(roster).status_code == 200

    path = f"/admin/role-grants/{granted.get_json()['id']}"
    assert admin.delete(path).status_code == 204
    assert client.get(roster).status_code == 403
    second = admin.delete(path)
    assert (second.status_code, second.get_json()["code"]) == (409, "role.already_ended")


def test_grant_out_of_scope_answers_like_an_absent_one(
    secretary: SignedIn, district: District, session: Session, member: Member
) -> None:
    stranger = district.enrol("村民", district.village)
    elsewhere = district.appoint(stranger, Role.GROUP_LEADER, district.village)
    session.commit()

    pairs = [
        [secretary.delete(f"/admin/role-grants/{x}") for x in (elsewhere.id, new_id())],
        [
            secretary.post("/admin/role-grants", _grant(x, Role.GROUP_LEADER, district.group.id))
            for x in (stranger.id, new_id())
        ],
        [
            secretary.post("/admin/role-grants", _grant(member.id, Role.GROUP_LEADER, x))
            for x in (district.village.id, new_id())
        ],
    ]

    for outside, absent in pairs:
        assert outside.status_code == absent.status_code == 404
        assert without_request_id(outside) == without_request_id(absent)


@pytest.mark.parametrize(
    ("role", "place", "code"),
    [
        (Role.BRANCH_SECRETARY, "branch", "role.not_grantable"),
        (Role.SYSTEM_ADMIN, "department", "not_found"),
        (Role.GROUP_LEADER, "branch", "role.wrong_place"),
        (Role.DELEGATE, "branch", "delegate.too_long"),
    ],
)
def test_secretary_grants_what_is_his_to_grant(
    secretary: SignedIn, district: District, member: Member, role: Role, place: str, code: str
) -> None:
    place_id = getattr(district, place).id

    refusal = secretary.post("/admin/role-grants", _grant(member.id, role, place_id))

    assert refusal.get_json()["code"] == code


def test_nobody_grants_to_himself(
    app: Flask, district: District, session: Session, member: Member
) -> None:
    district.appoint(member, Role.DISTRICT_ADMIN, district.department)
    client = SignedIn(app, district.open_account(member))
    session.commit()

    body = _grant(member.id, Role.BRANCH_SECRETARY, district.branch.id)
    refusal = client.post("/admin/role-grants", body)

    assert (refusal.status_code, refusal.get_json()["code"]) == (403, "role.not_grantable")
    assert session.query(RoleGrant).count() == 1


def test_audit_and_administration_stay_apart(
    admin: SignedIn, district: District, session: Session, member: Member
) -> None:
    district.appoint(member, Role.AUDITOR, district.department)
    session.commit()

    body = _grant(member.id, Role.COMMITTEE_OFFICER, district.street.id)
    refusal = admin.post("/admin/role-grants", body)

    assert (refusal.status_code, refusal.get_json()["code"]) == (409, "role.separation")


def test_list_pages_through_the_subtree(
    admin: SignedIn, district: District, session: Session, member: Member
) -> None:
    for place in (district.branch, district.second_branch, district.village):
        district.appoint(member, Role.DEPUTY_SECRETARY, place)
    session.commit()

    first = admin.get("/admin/role-grants", limit=3).get_json()
    second = admin.get("/admin/role-grants", limit=3, cursor=first["next_cursor"]).get_json()

    lines = first["items"] + second["items"]
    assert len({line["grant"]["id"] for line in lines}) == len(lines) == 4
    assert {line["member_name"] for line in lines} == {"操作人", "王志"}


def test_delegation_is_put_moved_and_taken_back(
    secretary: SignedIn, district: District, member: Member
) -> None:
    path = f"/orgs/{district.branch.id}/delegations/{member.id}"

    def put(days: int) -> tuple[int, dict[str, Any]]:
        answer = secretary.put(path, {"until": (TODAY + timedelta(days=days)).isoformat()})
        return answer.status_code, answer.get_json()

    status, first = put(10)
    assert (status, first["role"]) == (200, "delegate")
    assert put(10)[1]["id"] == first["id"]
    assert put(20)[1]["id"] != first["id"]
    assert put(91)[1]["code"] == "delegate.too_long"
    assert secretary.delete(path).status_code == 204
    assert secretary.delete(path).status_code == 404
    outside = f"/orgs/{district.village.id}/delegations/{member.id}"
    assert secretary.put(outside, {"until": TODAY.isoformat()}).status_code == 404


def test_refused_change_of_a_delegation_leaves_it_as_it_was(
    secretary: SignedIn, district: District, session: Session, member: Member
) -> None:
    path = f"/orgs/{district.branch.id}/delegations/{member.id}"
    secretary.put(path, {"until": (TODAY + timedelta(days=10)).isoformat()})

    secretary.put(path, {"until": (TODAY + timedelta(days=91)).isoformat()})

    session.expire_all()
    grant = session.query(RoleGrant).filter_by(member_id=member.id).one()
    assert (grant.revoked_at, grant.valid_to) == (None, TODAY + timedelta(days=10))


def test_unknown_fields_are_refused(admin: SignedIn, district: District, member: Member) -> None:
    body = _grant(member.id, Role.BRANCH_SECRETARY, district.branch.id, granted_by=str(member.id))

    refusal = admin.post("/admin/role-grants", body)

    assert refusal.status_code == 422
    assert [error["pointer"] for error in refusal.get_json()["errors"]] == ["/granted_by"]
