"""Record sheets: what they say, who may check them, and the word that a branch may not use."""

from typing import Any

import pytest
import sqlalchemy as sa

from members.models import Member
from tests.api.main_job_steps import approved_entry, decide, queue_of, record, refusal
from tests.api.volunteer_steps import NEXT_DAY, at, confirm, publish, served_by_community, sign_up
from tests.served import Service

CERTIFICATE_WORD = "证明"
YEAR = {"from": "2026-01-01", "to": "2026-11-10"}


def agree(service: Service, *, is_given: bool = True, name: str = "党员甲") -> None:
    body = {"purpose": "verify_service_sheet", "text_version": 1, "is_given": is_given}
    assert service.caller(name).post("/me/consents", body).status_code == 201


def issue(service: Service, *, name: str = "党员甲", **changes: Any) -> Any:
    return service.caller(name).post("/me/service-records-sheets", YEAR | changes)


def check(service: Service, code: str) -> Any:
    return service.nobody.get(f"/verify/{code}")


def test_code_tells_what_it_must_and_nothing_else(service: Service) -> None:
    approved_entry(service, minutes=119)
    record(service.caller("党员甲"), day="2026-11-06")
    agree(service)

    sheet = issue(service)
    found = check(service, sheet.json["verify_code"])

    assert sheet.status_code == 201
    assert [line["confirmed_minutes"] for line in sheet.json["lines"]] == [119]
    assert found.json == {
        "heading": "志愿服务记录单",
        "organization": "一支部",
        "masked_name": "党**",
        "hours": "1.5",
        "issued_on": "2026-11-10",
        "is_valid": True,
    }


def test_sheet_without_consent_is_not_made_and_not_found(service: Service) -> None:
    """条例 Art. 20: no disclosure without the volunteer's consent, which he may take back."""
    approved_entry(service)
    refused = issue(service)
    agree(service)
    sheet = issue(service)
    agree(service, is_given=False)

    assert refusal(refused)[:2] == (422, "consent.missing")
    assert refusal(check(service, sheet.json["verify_code"]))[:2] == (404, "not_found")


def test_sheet_is_no_longer_valid_when_something_of_it_changed(service: Service) -> None:
    entry = approved_entry(service)["entry_id"]
    agree(service)
    code = issue(service).json["verify_code"]
    session = service.world.session

    with service.undone():
        service.caller("书记一").post(f"/points/entries/{entry}/reversal", {"reason": "重复申报"})
        assert check(service, code).json["is_valid"] is False
    with service.undone():
        him = sa.update(Member).where(Member.id == service.world.members["党员甲"])
        session.execute(him.values(name="党员申"))
        assert check(service, code).json["is_valid"] is False
    assert check(service, code).json["is_valid"] is True
    approved_entry(service, day="2026-11-06")
    assert check(service, code).json["is_valid"] is False


@pytest.mark.parametrize(("name", "status"), [("党员甲", 204), ("书记一", 204), ("街道干事", 204)])
def test_sheet_is_revoked_by_the_member_or_his_branch(
    service: Service, name: str, status: int
) -> None:
    approved_entry(service)
    agree(service)
    sheet = issue(service).json
    path = f"/service-sheets/{sheet['id']}/revoke"

    for stranger in ("书记二", "党员乙"):
        assert refusal(service.caller(stranger).post(path))[:2] == (404, "not_found")
    assert service.caller(name).post(path).status_code == status
    assert refusal(service.caller(name).post(path))[:2] == (409, "sheet.revoked")
    assert check(service, sheet["verify_code"]).json["is_valid"] is False


def test_sheet_is_read_by_its_member_alone(service: Service) -> None:
    approved_entry(service)
    agree(service)
    sheet = issue(service).json
    path = f"/me/service-records-sheets/{sheet['id']}"

    assert service.caller("党员甲").get(path).json == sheet
    (listed,) = service.caller("党员甲").get("/me/service-records-sheets").json["items"]
    assert listed["id"] == sheet["id"]
    for stranger in ("书记一", "党员乙"):
        assert refusal(service.caller(stranger).get(path))[:2] == (404, "not_found")


@pytest.mark.parametrize(
    "code", ["ABCDEFGHJKLMNPQR", "abcdefghjklmnpqr", "A", "ABCDEFGHJKLMNPQ0", "甲" * 16]
)
def test_made_up_code_is_not_found(service: Service, code: str) -> None:
    assert refusal(check(service, code))[:2] == (404, "not_found")


@pytest.mark.parametrize(
    ("days", "code"),
    [
        ({"from": "2026-11-10", "to": "2026-11-09"}, "sheet.days"),
        ({"from": "2026-11-01", "to": "2026-11-11"}, "sheet.days"),
        ({"from": "2001-01-01", "to": "2026-11-10"}, "sheet.days"),
        ({"from": "2025-01-01", "to": "2025-12-31"}, "sheet.empty"),
    ],
)
def test_days_that_no_sheet_covers(service: Service, days: dict[str, str], code: str) -> None:
    approved_entry(service)
    agree(service)

    assert refusal(issue(service, **days))[:2] == (422, code)


def registered_issuer(service: Service) -> str:
    answer = service.caller("区管理员").post(
        "/admin/service-issuers",
        {
            "organization_id": str(service.world.organizations["二支部"]),
            "kind": "residents_committee",
            "name": "梧桐里社区居民委员会",
            "basis": "区民〔2026〕8 号",
            "valid_from": "2026-01-01",
        },
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def test_certificate_is_for_what_a_registered_issuer_organised(service: Service) -> None:
    issuer_id = registered_issuer(service)
    approved_entry(service)
    served_by_community(service)
    opportunity_id = publish(
        service, "书记二", "二支部", issuer_id=issuer_id, starts_at="2026-11-10T13:00:00+08:00"
    )
    sign_up(service, "党员甲", opportunity_id)
    agree(service)
    request = {"kind": "certificate", "issuer_id": issuer_id, "to": "2026-11-11"}
    with at(NEXT_DAY):
        early = issue(service, **request)
        confirm(service, "书记二", opportunity_id, 党员甲=45)
        sheet = issue(service, **request)
        found = check(service, sheet.json["verify_code"])
        ended = service.caller("区管理员").post(
            f"/admin/service-issuers/{issuer_id}/end", {"on": "2026-11-11"}
        )
        after = issue(service, **request)

    assert refusal(early)[:2] == (422, "sheet.empty")
    assert sheet.json["heading"] == "志愿服务证明"
    assert [line["organiser"] for line in sheet.json["lines"]] == ["梧桐里社区居民委员会"]
    assert (found.json["organization"], found.json["hours"]) == ("梧桐里社区居民委员会", "0.5")
    assert ended.json["valid_to"] == "2026-11-11"
    assert refusal(after)[:2] == (422, "sheet.issuer_not_eligible")


def test_only_the_district_registers_issuers(service: Service) -> None:
    issuer_id = registered_issuer(service)
    for stranger in ("街道干事", "书记二", "党员甲"):
        caller = service.caller(stranger)
        assert caller.get("/admin/service-issuers").status_code == 403
        answer = caller.post(f"/admin/service-issuers/{issuer_id}/end", {"on": "2026-11-10"})
        assert answer.status_code == 403

    (listed,) = service.caller("区管理员").get("/admin/service-issuers").json["items"]
    assert (listed["id"], listed["basis"]) == (issuer_id, "区民〔2026〕8 号")


def test_word_of_a_certificate_stands_in_no_output_of_a_branch(service: Service) -> None:
    approved_entry(service)
    served_by_community(service)
    agree(service)
    with at(NEXT_DAY):
        (waiting,) = queue_of(service, "书记一", "一支部")
        decide(service.caller("书记一"), (waiting, "approve", ""))
        sheet = issue(service, to="2026-11-11")
        outputs = [
            sheet,
            check(service, sheet.json["verify_code"]),
            service.caller("党员甲").get(f"/me/service-records-sheets/{sheet.json['id']}"),
            service.caller("党员甲").get("/me/service-records-sheets"),
            service.caller("党员甲").get("/me/consents"),
            service.caller("党员甲").get("/service-records"),
            issue(service, kind="certificate"),
            issue(service, kind="certificate", issuer_id=sheet.json["id"]),
        ]

    assert len(sheet.json["lines"]) == 2
    assert [answer.status_code for answer in outputs] == [201, 200, 200, 200, 200, 200, 422, 422]
    for answer in outputs:
        assert CERTIFICATE_WORD not in str(answer.json)
