"""Cases through HTTP: who sees them, what people do with them, what is on record."""

from uuid import UUID

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from members.access_models import RoleGrant
from members.contact.case_models import CaseAccessRecord, ContactAttempt
from members.contact.models import ContactCase, RecordedFact
from tests.casework import attempt_body, open_case
from tests.served import ABSENT_ID, Service
from tests.statements import counted_statements
from tests.world import NOW

SEES_ONE = ("书记一", "副书记一", "街道干事", "区管理员")


def bare(answer: TestResponse) -> bytes:
    """An answer without the one part that differs between equal refusals."""
    request_id: str = answer.headers["X-Request-Id"]
    return answer.data.replace(request_id.encode(), b"")


def records(service: Service) -> list[tuple[str, UUID, UUID]]:
    service.world.session.expire_all()
    rows = service.world.session.scalars(sa.select(CaseAccessRecord).order_by(CaseAccessRecord.id))
    return [(row.kind, row.actor_id, row.case_id) for row in rows]


def stored(service: Service, case_id: UUID) -> ContactCase:
    service.world.session.expire_all()
    return service.world.session.get_one(ContactCase, case_id)


@pytest.mark.parametrize("name", SEES_ONE)
def test_leaders_of_branch_and_upper_bodies_see_a_case(service: Service, name: str) -> None:
    case_id = open_case(service)

    answer = service.caller(name).get(f"/contact-cases/{case_id}")

    assert answer.status_code == 200
    assert answer.json["member_name"] == "党员乙"
    assert "****" in answer.json["phone_masked"]
    assert len(answer.json["gaps"]) == 5
    assert answer.json["examination"]["is_open"] is False


@pytest.mark.parametrize("name", ["书记二", "书记三", "组长"])
def test_out_of_scope_answers_like_absent(service: Service, name: str) -> None:
    case_id = open_case(service)
    caller = service.caller(name)
    paths = ["/contact-cases/{}", "/contact-cases/{}/forms/not_found"]
    if name == "组长":
        paths.pop()

    for path in paths:
        hidden, absent = caller.get(path.format(case_id)), caller.get(path.format(ABSENT_ID))
        assert hidden.status_code == 404
        assert bare(hidden) == bare(absent)
    acts = {
        "attempts": attempt_body(),
        "number-disclosures": {"purpose": "查找"},
        "numbers": {"relation": "member", "phone": "13900000001"},
    }
    for act, body in acts.items():
        hidden = caller.post(f"/contact-cases/{case_id}/{act}", body)
        absent = caller.post(f"/contact-cases/{ABSENT_ID}/{act}", body)
        assert hidden.status_code == 404
        assert bare(hidden) == bare(absent)
    assert records(service) == []


def test_ordinary_member_reaches_no_case(service: Service) -> None:
    case_id = open_case(service)

    for name in ("党员甲", "党员乙"):
        assert service.caller(name).get(f"/contact-cases/{case_id}").status_code == 403


def test_nobody_sees_or_works_on_his_own_case(service: Service) -> None:
    case_id = open_case(service, "书记一")
    own, other = service.caller("书记一"), service.caller("副书记一")
    branch = service.world.organizations["一支部"]

    assert own.get(f"/contact-cases/{case_id}").status_code == 404
    assert own.get(f"/orgs/{branch}/contact-cases").json["items"] == []
    assert own.post(f"/contact-cases/{case_id}/attempts", attempt_body()).status_code == 404
    end = {"state": "closed", "note": "没有这回事"}
    assert own.post(f"/contact-cases/{case_id}/end", end).status_code == 404
    assert len(other.get(f"/orgs/{branch}/contact-cases").json["items"]) == 1


def test_list_is_of_the_subtree_sorted_by_branch_and_name(service: Service) -> None:
    for name, branch in (("党员乙", "一支部"), ("党员甲", "一支部"), ("党员丁", "三支部")):
        open_case(service, name, branch)
    open_case(service, "党员丙", "二支部", stage=3)
    orgs = service.world.organizations
    street, district = service.caller("街道干事"), service.caller("区管理员")

    def names(caller_of: object, place: str, **query: object) -> list[str]:
        answer = caller_of.get(f"/orgs/{orgs[place]}/contact-cases", **query)  # type: ignore[attr-defined]
        return [item["member_name"] for item in answer.json["items"]]

    assert sorted(names(street, "街道")) == ["党员丙", "党员乙", "党员甲"]
    assert set(names(street, "街道", stage_min=4)) == {"党员乙", "党员甲"}
    assert set(names(street, "区委")) == {"党员丙", "党员乙", "党员甲"}
    assert set(names(district, "区委")) == {"党员丙", "党员丁", "党员乙", "党员甲"}
    assert names(district, "区委", state="closed") == []
    assert street.get(f"/orgs/{orgs['镇']}/contact-cases").status_code == 404


def test_pages_follow_one_another(service: Service) -> None:
    for name in ("党员甲", "党员乙", "组长"):
        open_case(service, name)
    branch = service.world.organizations["一支部"]
    caller, found, query = service.caller("副书记一"), [], {"limit": 1}

    while True:
        page = caller.get(f"/orgs/{branch}/contact-cases", **query).json
        found += [item["member_name"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    assert len(found) == 3
    assert found == sorted(set(found))


def test_every_showing_is_on_record_and_no_refusal(service: Service) -> None:
    case_id, other_id = open_case(service), open_case(service, "党员甲")
    branch, ids = service.world.organizations["一支部"], service.world.members
    secretary, officer = service.caller("书记一"), service.caller("街道干事")

    secretary.get(f"/orgs/{branch}/contact-cases")
    officer.get(f"/contact-cases/{case_id}")
    officer.get(f"/contact-cases/{case_id}/forms/not_found")
    officer.get(f"/contact-cases/{case_id}/forms/found_again")
    officer.get(f"/contact-cases/{case_id}/forms/other")
    service.caller("书记二").get(f"/contact-cases/{case_id}")

    found = records(service)
    assert sorted(found[:2]) == sorted(("list", ids["书记一"], one) for one in (case_id, other_id))
    assert found[2:] == [
        ("case", ids["街道干事"], case_id),
        ("form", ids["街道干事"], case_id),
    ]


def test_access_records_are_read_by_auditor_and_district_only(service: Service) -> None:
    case_id = open_case(service)
    shown = service.caller("书记一").get(f"/contact-cases/{case_id}")
    path = f"/orgs/{service.world.organizations['区委']}/contact-case-access-records"

    [record] = service.caller("审计员").get(path).json["items"]

    assert (record["actor_name"], record["kind"]) == ("书记一", "case")
    assert record["request_id"] == shown.headers["X-Request-Id"]
    assert service.caller("区管理员").get(path).status_code == 200
    assert service.caller("街道干事").get(path).status_code == 403


@pytest.mark.parametrize("count", [1, 8])
def test_list_takes_a_constant_number_of_statements(service: Service, count: int) -> None:
    for _ in range(count):
        name = f"党员{len(service.world.members)}"
        service.world.add_member(name, "一支部")
        open_case(service, name)
    branch = service.world.organizations["一支部"]
    caller = service.caller("书记一")

    with counted_statements(service.world.session) as seen:
        answer = caller.get(f"/orgs/{branch}/contact-cases")

    assert len(answer.json["items"]) == count
    # The caller, the place, the list, its record.
    assert len(seen) == 5


def test_reading_one_case_takes_a_constant_number_of_statements(service: Service) -> None:
    case_id, caller = open_case(service), service.caller("书记一")
    counts = []
    for _ in range(2):
        with counted_statements(service.world.session) as seen:
            caller.get(f"/contact-cases/{case_id}")
        counts.append(len(seen))
        caller.post(f"/contact-cases/{case_id}/attempts", attempt_body())
        caller.post(f"/contact-cases/{case_id}/attempts", attempt_body())

    assert counts == [10, 10]


# --- Attempts ------------------------------------------------------------------------------------


def test_attempt_says_when_to_try_again(service: Service) -> None:
    case_id = open_case(service)

    made = service.caller("书记一").post(f"/contact-cases/{case_id}/attempts", attempt_body())

    assert made.status_code == 201
    [attempt] = made.json["attempts_made"]
    assert attempt["not_before"] == made.json["not_before"] == "2026-11-10T18:00:00+08:00"
    assert attempt["recorded_by_name"] == "书记一"
    assert made.json["attempts"] == 1
    assert service.world.session.scalar(sa.select(sa.func.count(RecordedFact.id))) == 0


def test_word_of_the_member_is_contact_in_the_same_step(service: Service) -> None:
    case_id = open_case(service)
    body = attempt_body(contacted="member", outcome="reached", method="home_visit")

    made = service.caller("书记一").post(f"/contact-cases/{case_id}/attempts", body)

    [attempt] = made.json["attempts_made"]
    [fact] = service.world.session.scalars(sa.select(RecordedFact))
    assert (fact.kind, fact.strength) == ("visit", "soft")
    assert fact.source_id == UUID(attempt["id"])
    assert fact.recorded_by == service.world.members["书记一"]
    # Soft contact pauses the ladder; that the case is over, people say.
    assert made.json["state"] == "open"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"outcome": "reached", "contacted": "spouse"}, "contact.attempt_inconsistent"),
        ({"method": "official_letter", "outcome": "awaiting_reply"},
         "contact.attempt_inconsistent"),
        ({"attempted_at": "2026-11-11T09:30:00+08:00"}, "contact.attempt_inconsistent"),
        ({"contacted": "王建国"}, "validation"),
        ({"method": "gps"}, "validation"),
    ],
)  # fmt: skip
def test_bad_attempt_is_refused_and_leaves_nothing(
    service: Service, changes: dict[str, str], code: str
) -> None:
    case_id = open_case(service)

    answer = service.caller("书记一").post(
        f"/contact-cases/{case_id}/attempts", attempt_body(**changes)
    )

    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert service.world.session.scalar(sa.select(sa.func.count(ContactAttempt.id))) == 0


def test_attempt_on_an_ended_case_is_conflict(service: Service) -> None:
    case_id, caller = open_case(service), service.caller("书记一")
    end = {"state": "recontacted", "note": "本人到支部说明"}

    assert caller.post(f"/contact-cases/{case_id}/end", end).json["state"] == "recontacted"
    late = caller.post(f"/contact-cases/{case_id}/attempts", attempt_body())
    again = caller.post(f"/contact-cases/{case_id}/end", end)

    assert (late.status_code, late.json["code"]) == (409, "contact.case_closed")
    assert (again.status_code, again.json["code"]) == (409, "contact.case_closed")
    case = stored(service, case_id)
    assert (case.closed_by, case.closing_note) == (service.world.members["书记一"], end["note"])


def test_revoked_leader_records_nothing(service: Service) -> None:
    case_id, caller = open_case(service), service.caller("书记一")
    session = service.world.session
    session.execute(
        sa.update(RoleGrant)
        .where(RoleGrant.member_id == service.world.members["书记一"])
        .values(revoked_at=NOW, revoked_by=service.world.members["街道干事"])
    )

    answer = caller.post(f"/contact-cases/{case_id}/attempts", attempt_body())

    assert answer.status_code == 403
