"""The two official forms: what was recorded stands in them, as text."""

import io
from typing import Any
from uuid import UUID

import openpyxl
import sqlalchemy as sa

from members.models import Member
from tests.casework import attempt_body, decision_body, open_case
from tests.served import Service

FORMULA = '=HYPERLINK("http://evil.example","x")'


def cells_of(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.text[:300]
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    assert sheet is not None
    return [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]


def texts_of(answer: Any) -> list[str]:
    return [str(cell.value) for cell in cells_of(answer)]


def form(service: Service, case_id: UUID, kind: str, name: str = "街道干事") -> Any:
    return service.caller(name).get(f"/contact-cases/{case_id}/forms/{kind}")


def test_form_of_who_is_not_found_holds_the_recorded_facts(service: Service) -> None:
    case_id, caller = open_case(service, stage=6), service.caller("书记一")
    caller.put(f"/contact-cases/{case_id}/reason", {"reason_code": "home_moved", "version": 1})
    letter = attempt_body(
        method="official_letter",
        contacted="public_office",
        outcome="awaiting_reply",
        document_number="函〔2026〕7号",
    )
    caller.post(f"/contact-cases/{case_id}/attempts", letter)
    member_id = service.world.members["党员乙"]
    service.caller("街道干事").post(f"/members/{member_id}/membership-decisions", decision_body())

    answer = form(service, case_id, "not_found")

    texts = texts_of(answer)
    assert texts[0] == "失去联系党员情况登记表"
    expected = {
        "党员乙", "一支部", "2026 年 6 月 30 日", "居住地改变", "不满 6 个月", "2010 年 7 月 1 日",
        "2026-11-09 09:30", "发函协查", "有关部门", "等待答复", "函〔2026〕7号", "书记一",
        "查找 5 次，已有 1 次", "停止党籍", "杨街党字〔2026〕31号", "填表人：街道干事",
    }  # fmt: skip
    assert expected <= set(texts)
    assert service.world.phones["党员乙"] not in "".join(texts)
    disposition = answer.headers["Content-Disposition"]
    assert "attachment" in disposition
    assert "filename*=UTF-8''" in disposition


def test_no_cell_becomes_a_formula(service: Service) -> None:
    session, member_id = service.world.session, service.world.members["党员乙"]
    case_id = open_case(service)
    changed = {"name": FORMULA, "post": "+1+1", "education": "@SUM(A1)"}
    session.execute(sa.update(Member).where(Member.id == member_id).values(**changed))
    body = attempt_body(document_number="-2+3")
    service.caller("书记一").post(f"/contact-cases/{case_id}/attempts", body)

    cells = cells_of(form(service, case_id, "not_found"))

    assert {cell.data_type for cell in cells} == {"s"}
    assert {FORMULA, "+1+1", "@SUM(A1)", "-2+3"} <= {cell.value for cell in cells}
    assert all(cell.hyperlink is None for cell in cells)


def test_form_of_who_is_found_again_says_when_and_how(service: Service) -> None:
    case_id = open_case(service)
    end = {"state": "recontacted", "note": "本人到支部说明"}
    early = form(service, case_id, "found_again")
    service.caller("书记一").post(f"/contact-cases/{case_id}/end", end)

    texts = texts_of(form(service, case_id, "found_again"))
    late = form(service, case_id, "not_found")

    assert texts[0] == "重新取得联系党员情况"
    assert {"2026 年 11 月 10 日", "本人到支部说明", "未查明"} <= set(texts)
    for refused in (early, late):
        assert (refused.status_code, refused.json["code"]) == (422, "contact.form_unfit")
