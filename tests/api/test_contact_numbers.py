"""Numbers of a member: masked, disclosed on record, retired when wrong; and the “我在” link."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
import time_machine

from members.contact.case_models import CaseAccessRecord, ContactNumber, OwnReportLink
from members.contact.models import CaseState, Clock, ContactCase, RecordedFact
from members.models import Member
from tests.casework import attempt_body, open_case
from tests.served import Service
from tests.statements import counted_statements
from tests.world import NOW

PHONE = "13911112222"
WRONG = {"outcome": "wrong_number"}


def add_number(service: Service, case_id: UUID, **changes: Any) -> Any:
    body = {"relation": "member", "phone": PHONE} | changes
    return service.caller("书记一").post(f"/contact-cases/{case_id}/numbers", body)


def attempt(service: Service, case_id: UUID, **changes: Any) -> Any:
    return service.caller("书记一").post(
        f"/contact-cases/{case_id}/attempts", attempt_body(**changes)
    )


def disclose(service: Service, case_id: UUID, number_id: str | None, name: str = "书记一") -> Any:
    body = {"number_id": number_id, "purpose": "第三次电话查找"}
    return service.caller(name).post(f"/contact-cases/{case_id}/number-disclosures", body)


def test_further_number_is_sealed_and_masked(service: Service) -> None:
    case_id = open_case(service)

    made = add_number(service, case_id)

    roster, further = made.json["numbers"]
    assert (roster["id"], further["phone_masked"]) == (None, "139****2222")
    [stored] = service.world.session.scalars(sa.select(ContactNumber))
    assert PHONE.encode() not in stored.phone_sealed
    assert PHONE not in made.text


def test_same_number_twice_is_conflict(service: Service) -> None:
    case_id = open_case(service)

    assert add_number(service, case_id).status_code == 201
    again = add_number(service, case_id, phone="139 1111 2222")

    assert (again.status_code, again.json["code"]) == (409, "contact.number_duplicate")


@pytest.mark.parametrize("consented_on", [None, "2026-11-11"])
def test_number_of_another_needs_his_consent(service: Service, consented_on: str | None) -> None:
    case_id = open_case(service)

    answer = add_number(service, case_id, relation="spouse", consented_on=consented_on)

    assert (answer.status_code, answer.json["code"]) == (422, "contact.consent_needed")
    given = add_number(service, case_id, relation="spouse", consented_on="2026-11-10")
    assert given.json["numbers"][1]["relation"] == "spouse"


def test_number_is_shown_in_full_for_a_purpose_on_record(service: Service) -> None:
    case_id = open_case(service)
    number_id = add_number(service, case_id).json["numbers"][1]["id"]

    further, of_roster = disclose(service, case_id, number_id), disclose(service, case_id, None)

    assert further.json == {"phone": PHONE}
    assert of_roster.json == {"phone": service.world.phones["党员乙"]}
    found = service.world.session.scalars(
        sa.select(CaseAccessRecord)
        .where(CaseAccessRecord.kind == "number")
        .order_by(CaseAccessRecord.id)
    ).all()
    assert [row.purpose for row in found] == ["第三次电话查找"] * 2
    assert [row.number_id for row in found] == [UUID(number_id), None]
    assert {row.request_id for row in found} == {
        one.headers["X-Request-Id"] for one in (further, of_roster)
    }


def test_committee_calls_only_where_the_case_was_given_to_it(service: Service) -> None:
    case_id, officer = open_case(service), service.world.members["街道干事"]

    before = disclose(service, case_id, None, "街道干事")
    given = {"assignee_id": str(officer), "role": "committee", "version": 1}
    service.caller("街道干事").put(f"/contact-cases/{case_id}/assignment", given)
    after = disclose(service, case_id, None, "街道干事")

    assert (before.status_code, before.json["code"]) == (403, "contact.not_caller")
    assert after.json == {"phone": service.world.phones["党员乙"]}
    assert disclose(service, case_id, None, "区管理员").status_code == 201
    numbers = sa.select(CaseAccessRecord).where(CaseAccessRecord.kind == "number")
    assert len(service.world.session.scalars(numbers).all()) == 2


def test_number_of_another_case_is_not_shown(service: Service) -> None:
    case_id, other_id = open_case(service), open_case(service, "党员甲")
    number_id = add_number(service, other_id).json["numbers"][1]["id"]

    assert disclose(service, case_id, number_id).status_code == 404
    assert attempt(service, case_id, number_id=number_id).status_code == 404


def test_no_purpose_no_number(service: Service) -> None:
    case_id = open_case(service)

    answer = service.caller("书记一").post(f"/contact-cases/{case_id}/number-disclosures", {})

    assert answer.status_code == 422


def test_wrong_number_is_retired(service: Service) -> None:
    case_id = open_case(service)
    number_id = add_number(service, case_id).json["numbers"][1]["id"]

    made = attempt(service, case_id, number_id=number_id, **WRONG)

    assert [number["is_retired"] for number in made.json["numbers"]] == [False, True]
    assert made.json["not_before"] == "2026-11-09T09:30:00+08:00"
    assert add_number(service, case_id).status_code == 201


def test_wrong_roster_phone_is_marked_and_stays_on_the_roster(service: Service) -> None:
    case_id, session = open_case(service), service.world.session
    member = session.get_one(Member, service.world.members["党员乙"])
    kept = member.phone_sealed

    made = attempt(service, case_id, **WRONG)

    assert [number["is_retired"] for number in made.json["numbers"]] == [True]
    session.expire_all()
    assert member.phone_sealed == kept
    # Entered again by somebody who knows better, it is in use again.
    back = add_number(service, case_id, phone=service.world.phones["党员乙"])
    assert [number["is_retired"] for number in back.json["numbers"]] == [False]


def test_member_without_a_phone_has_no_wrong_one(service: Service) -> None:
    case_id, session = open_case(service), service.world.session
    session.execute(
        sa.update(Member)
        .where(Member.id == service.world.members["党员乙"])
        .values(phone_sealed=None, phone_index=None, phone_masked=None)
    )

    answer = attempt(service, case_id, **WRONG)

    assert (answer.status_code, answer.json["code"]) == (422, "contact.number_missing")
    assert disclose(service, case_id, None).status_code == 422


# --- 我在 ----------------------------------------------------------------------------------------


def issue(service: Service, case_id: UUID) -> str:
    """A new link's path below the API's prefix."""
    made = attempt(service, case_id, method="message", outcome="awaiting_reply")
    attempt_id = made.json["attempts_made"][-1]["id"]
    link = service.caller("书记一").post(
        f"/contact-cases/{case_id}/attempts/{attempt_id}/own-report-links"
    )
    assert link.json["expires_at"].startswith("2026-11-24T10:0")
    path: str = link.json["path"].removeprefix("/api/v1")
    return path


def state_of(service: Service, case_id: UUID) -> str:
    service.world.session.expire_all()
    return service.world.session.get_one(ContactCase, case_id).state


def test_one_tap_is_the_members_own_report(service: Service) -> None:
    case_id = open_case(service)
    path = issue(service, case_id)

    answer = service.nobody.post(path)

    assert (answer.status_code, answer.json) == (200, {"message": "已经收到，谢谢。"})
    assert state_of(service, case_id) == CaseState.RECONTACTED
    [fact] = service.world.session.scalars(sa.select(RecordedFact))
    assert (fact.kind, fact.strength) == ("own_report", "hard")
    shown = service.caller("书记一").get(f"/contact-cases/{case_id}").json
    assert shown["attempts_made"][0]["answered_at"].startswith("2026-11-10T10:0")


def test_opening_the_link_writes_nothing_and_tells_nothing(service: Service) -> None:
    case_id = open_case(service)
    path = issue(service, case_id)

    with counted_statements(service.world.session) as seen:
        fresh, made_up = service.nobody.get(path), service.nobody.get("/own-reports/x")

    assert seen == []
    assert made_up.status_code == 404
    assert state_of(service, case_id) == CaseState.OPEN
    service.nobody.post(path)
    assert service.nobody.get(path).json == fresh.json


def test_unknown_expired_and_used_links_answer_alike(service: Service) -> None:
    used, expired = issue(service, open_case(service)), issue(service, open_case(service, "党员甲"))
    service.nobody.post(used)

    with time_machine.travel(NOW + timedelta(days=15)):
        answers = [
            service.nobody.post(path, None)
            for path in (used, expired, "/own-reports/x", "/own-reports/" + "A" * 54)
        ]

    assert {answer.status_code for answer in answers} == {404}
    bodies = [answer.json | {"request_id": ""} for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["code"] == "own_report.link_invalid"


def test_token_is_kept_as_a_digest_and_signed(service: Service) -> None:
    path = issue(service, open_case(service))
    token = path.rpartition("/")[2]
    [link] = service.world.session.scalars(sa.select(OwnReportLink))

    forged = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    with counted_statements(service.world.session) as seen:
        answer = service.nobody.post(f"/own-reports/{forged}")

    assert token not in link.token_digest
    # A forged token costs the database nothing.
    assert (answer.status_code, seen) == (404, [])


def test_own_report_does_not_end_a_self_withdrawal(service: Service) -> None:
    """That ladder is about organisation life, dues or work; being there is not enough."""
    case_id = open_case(service, clock=Clock.SELF_WITHDRAWAL)

    assert service.nobody.post(issue(service, case_id)).status_code == 200

    assert state_of(service, case_id) == CaseState.OPEN


def test_link_of_an_ended_case_is_not_made(service: Service) -> None:
    case_id = open_case(service)
    attempt_id = attempt(service, case_id).json["attempts_made"][0]["id"]
    other_id = open_case(service, "党员甲")
    caller = service.caller("书记一")

    path = "/contact-cases/{}/attempts/{}/own-report-links"
    assert caller.post(path.format(other_id, attempt_id)).status_code == 404
    caller.post(f"/contact-cases/{case_id}/end", {"state": "closed", "note": "转出"})
    late = caller.post(path.format(case_id, attempt_id))

    assert (late.status_code, late.json["code"]) == (409, "contact.case_closed")
