"""Belonging, class, exemptions and accounts through HTTP."""

from datetime import timedelta

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from core.clock import business_day, utc_now
from members.access_models import Role
from members.models import Affiliation, Member
from tests.api_client import SignedIn, without_request_id
from tests.district import District

TODAY = business_day(utc_now())


PHONE = "13800008000"


def test_transfer_moves_the_member_out_of_one_scope_into_another(
    officer: SignedIn, district: District, session: Session, member: Member
) -> None:
    body = {"organization_id": str(district.second_branch.id), "reason": "搬家"}

    moved = officer.post(f"/members/{member.id}/transfer", body)

    assert moved.status_code == 201
    assert moved.get_json()["valid_from"] == TODAY.isoformat()
    rows = session.scalars(sa.select(Affiliation).where(Affiliation.member_id == member.id)).all()
    assert {row.valid_to for row in rows} == {TODAY, None}
    lists = [
        officer.get(f"/orgs/{place.id}/members").get_json()["items"]
        for place in (district.branch, district.second_branch)
    ]
    assert [len(items) for items in lists] == [1, 1]
    outside = {"organization_id": str(district.village.id)}
    assert officer.post(f"/members/{member.id}/transfer", outside).status_code == 404
    again = officer.post(f"/members/{member.id}/transfer", body)
    assert (again.status_code, again.get_json()["code"]) == (422, "member.wrong_place")


def test_transfer_before_the_last_one_is_overlap(
    officer: SignedIn, district: District, member: Member
) -> None:
    path = f"/members/{member.id}/transfer"
    officer.post(path, {"organization_id": str(district.second_branch.id)})

    earlier = {"organization_id": str(district.branch.id), "on": "2021-01-01"}
    refusal = officer.post(path, earlier)

    assert (refusal.status_code, refusal.get_json()["code"]) == (409, "member.overlap")


def test_guest_affiliation_begins_and_ends(
    officer: SignedIn, district: District, member: Member
) -> None:
    body = {"kind": "migrant_host", "organization_id": str(district.second_branch.id)}
    added = officer.post(f"/members/{member.id}/affiliations", body | {"valid_from": "2025-01-01"})
    assert added.status_code == 201
    kinds = [
        item["affiliation"]["kind"]
        for item in officer.get(f"/members/{member.id}").get_json()["affiliations"]
    ]
    assert kinds == ["primary", "migrant_host"]

    path = f"/members/{member.id}/affiliations/{added.get_json()['id']}"
    assert officer.delete(path).status_code == 204
    assert officer.delete(path).status_code == 409
    assert len(officer.get(f"/members/{member.id}").get_json()["affiliations"]) == 1
    primary = body | {"kind": "primary"}
    assert officer.post(f"/members/{member.id}/affiliations", primary).status_code == 422


def test_class_and_exemption_show_on_the_record(
    secretary: SignedIn, district: District, member: Member
) -> None:
    path = f"/members/{member.id}"
    terms = {
        "kind": "limited_mobility",
        "valid_from": (TODAY - timedelta(days=10)).isoformat(),
        "valid_to": (TODAY + timedelta(days=90)).isoformat(),
        "decided_by_organization_id": str(district.branch.id),
    }

    classified = secretary.put(f"{path}/class", {"member_class": "aged_or_frail"})
    exempted = secretary.post(f"{path}/exemptions", terms)

    assert (classified.status_code, exempted.status_code) == (200, 201)
    record = secretary.get(path).get_json()
    assert record["member_class"] == "aged_or_frail"
    assert [exemption["kind"] for exemption in record["exemptions"]] == ["limited_mobility"]
    diagnosis = secretary.post(f"{path}/exemptions", terms | {"diagnosis": "高血压"})
    assert [error["pointer"] for error in diagnosis.get_json()["errors"]] == ["/diagnosis"]

    exemption_path = f"{path}/exemptions/{exempted.get_json()['id']}"
    assert secretary.delete(exemption_path).status_code == 204
    assert secretary.delete(exemption_path).status_code == 409
    assert secretary.get(path).get_json()["exemptions"] == []


def test_issued_account_signs_in_and_a_disabled_one_does_not(
    app: Flask, secretary: SignedIn, member: Member
) -> None:
    issued = secretary.post(f"/members/{member.id}/account")
    assert (issued.status_code, issued.headers["Cache-Control"]) == (201, "no-store")
    password = issued.get_json()["temporary_password"]
    body = {"grant": "password", "phone": PHONE, "password": password}

    first = app.test_client().post("/api/v1/auth/sessions", json=body)
    assert first.get_json()["must_change_password"] is True

    assert secretary.delete(f"/members/{member.id}/account").status_code == 204
    refused = app.test_client().post("/api/v1/auth/sessions", json=body)
    unknown = app.test_client().post("/api/v1/auth/sessions", json=body | {"phone": "13911112222"})
    assert refused.status_code == unknown.status_code == 401
    assert without_request_id(refused) == without_request_id(unknown)


def test_account_without_a_phone_of_its_own_is_refused(
    secretary: SignedIn, district: District, session: Session, member: Member
) -> None:
    wife, nobody = district.enrol("李静", phone=PHONE), district.enrol("赵敏")
    session.commit()
    secretary.post(f"/members/{member.id}/account")

    answers = [secretary.post(f"/members/{person.id}/account") for person in (wife, nobody)]

    assert [(a.status_code, a.get_json()["code"]) for a in answers] == [
        (409, "account.phone_taken"),
        (422, "account.no_phone"),
    ]


def test_secretary_does_not_take_over_his_superior(
    secretary: SignedIn, district: District, session: Session, member: Member
) -> None:
    district.appoint(member, Role.DISTRICT_ADMIN, district.department)
    session.commit()

    refusal = secretary.post(f"/members/{member.id}/account")

    assert (refusal.status_code, refusal.get_json()["code"]) == (403, "account.above_actor")
