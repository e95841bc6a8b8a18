"""A committee reviews a case file: shown, in the gap report, told to the branch; contests too."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from notifications.models import OutboxMessage
from tests.casework import attempt_body, decision_body, open_case
from tests.served import Service

REVIEW = {
    "body": "街道党工委会议",
    "reviewed_on": "2026-11-09",
    "finding": "ready_for_study",
    "document_number": "杨街党纪要〔2026〕12号",
}


def review(service: Service, case_id: UUID, by: str = "街道干事", **changes: Any) -> Any:
    return service.caller(by).post(f"/contact-cases/{case_id}/reviews", REVIEW | changes)


def told(service: Service) -> dict[str, set[str]]:
    names = {member_id: name for name, member_id in service.world.members.items()}
    found: dict[str, set[str]] = {}
    rows = service.world.session.execute(sa.select(OutboxMessage.kind, OutboxMessage.member_id))
    for kind, member_id in rows:
        found.setdefault(kind, set()).add(names[member_id])
    return found


def check_of(answer: Any) -> tuple[str, bool]:
    [check] = [one for one in answer.json["checklist"] if one["code"] == "review"]
    return check["sentence"], check["is_met"]


def test_the_case_and_its_gap_report_show_what_the_committee_found(service: Service) -> None:
    case_id = open_case(service, stage=5)
    before = service.caller("书记一").get(f"/contact-cases/{case_id}")

    returned = review(service, case_id, finding="return_with_gaps", note="缺书面通知")
    ready = review(service, case_id)

    assert check_of(before) == ("党委审阅查找材料，没有", False)
    assert "还缺：党委审阅查找材料，没有。" in before.json["gaps"]
    assert check_of(returned) == ("党委审阅查找材料，2026-11-09 已审阅：退回补齐", False)
    assert (ready.status_code, check_of(ready)[1]) == (201, True)
    shown = [(one["finding"], one["recorded_by_name"]) for one in ready.json["reviews"]]
    assert shown == [("return_with_gaps", "街道干事"), ("ready_for_study", "街道干事")]
    assert told(service)["contact_case_reviewed"] >= {"书记一", "副书记一"}
    with pytest.raises(DBAPIError), service.world.session.begin_nested():
        service.world.session.execute(sa.text("DELETE FROM case_review"))


def test_a_decision_does_not_wait_for_the_review(service: Service) -> None:
    """Domain 5.7 asks people for it; no rule makes a recorded decision void without it."""
    open_case(service, stage=6)
    member_id = service.world.members["党员乙"]

    entered = service.caller("街道干事").post(
        f"/members/{member_id}/membership-decisions", decision_body()
    )

    assert entered.status_code == 201


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"reviewed_on": "2026-11-11"}, "/reviewed_on"),
        ({"finding": "return_with_gaps"}, "/note"),
        ({"document_number": ""}, "/document_number"),
    ],
)
def test_what_the_review_lacks_is_named(
    service: Service, changes: dict[str, str], pointer: str
) -> None:
    refused = review(service, open_case(service, stage=5), **changes)

    assert (refused.status_code, refused.json["code"]) == (422, "contact.review_invalid")
    assert refused.json["errors"][0]["pointer"] == pointer


def test_only_the_committee_above_reviews_and_only_from_stage_five(service: Service) -> None:
    early = review(service, open_case(service, "党员甲", stage=4))
    case_id = open_case(service, stage=5)
    own = open_case(service, "街道干事", "二支部", stage=5)

    assert early.json["code"] == "contact.review_invalid"
    assert review(service, case_id, by="书记一").status_code == 403
    assert review(service, own).status_code == 404
    elsewhere = open_case(service, "党员丁", "三支部", stage=5)
    assert review(service, elsewhere).status_code == 404
    assert review(service, elsewhere, by="区管理员").status_code == 201
    assert told(service)["contact_case_reviewed"] == {"书记三"}


def test_a_contest_is_told_to_who_answers_and_the_answer_to_the_member(service: Service) -> None:
    case_id = open_case(service, stage=5)
    member = service.caller("党员乙")

    [contest] = member.post("/me/contact-contests", {"note": "我一直在流入地参加组织生活"}).json
    assert told(service)["contact_contest_filed"] == {"书记一", "副书记一", "全能"}
    answer = {"is_upheld": False, "answer": "流入地没有您的记录，请补充。"}
    path = f"/contact-cases/{case_id}/contests/{contest['id']}/answer"
    assert service.caller("书记一").post(path, answer).status_code == 200

    assert told(service)["contact_contest_answered"] == {"党员乙"}
    params = service.world.session.scalars(
        sa.select(OutboxMessage.params).where(OutboxMessage.kind == "contact_contest_answered")
    ).one()
    assert params == {"result": "未予采纳", "answer": "流入地没有您的记录，请补充。"}


def test_the_link_that_is_sent_is_not_shown_to_who_sends_it(service: Service) -> None:
    case_id, leader = open_case(service, stage=5), service.caller("书记一")
    made = leader.post(f"/contact-cases/{case_id}/attempts", attempt_body(method="message"))
    path = "/contact-cases/{}/attempts/{}/own-report-messages"
    attempt_id = made.json["attempts_made"][-1]["id"]

    sent = leader.post(path.format(case_id, attempt_id))

    assert (sent.status_code, list(sent.json)) == (201, ["expires_at"])
    assert told(service)["own_report_link"] == {"党员乙"}
    other = service.caller("书记二").post(path.format(case_id, attempt_id))
    assert other.status_code == 404
    wrong = leader.post(path.format(open_case(service, "党员甲"), attempt_id))
    assert wrong.status_code == 404
