"""The two official forms as workbooks: 失去联系党员情况登记表 and 重新取得联系党员情况.

They hold what was recorded and nothing else; what bodies have to say is left blank for them.
"""

import enum
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.clock import SHANGHAI, business_day
from core.errors import RuleViolation
from core.workbooks import text_workbook
from members.access import Actor
from members.contact.case_access import Showing
from members.contact.case_models import AccessKind
from members.contact.case_reading import CaseFile, open_case
from members.contact.case_rules import BAND_NAMES, band_of
from members.contact.membership_rules import KIND_NAMES, DecisionKind
from members.contact.models import CaseState, ReasonCode
from members.contact.search_words import (
    METHOD_NAMES,
    OUTCOME_NAMES,
    PERSON_NAMES,
    ContactedPerson,
    Outcome,
    SearchMethod,
)
from members.models import Member


class FormKind(enum.StrEnum):
    """Filed by the branch when he is not found; sent to the committee when he is."""

    NOT_FOUND = "not_found"
    FOUND_AGAIN = "found_again"


class FormUnfit(RuleViolation):
    """The case is not where this form belongs."""

    code = "contact.form_unfit"
    title = "这件工作还用不上这张表"


TITLES: dict[FormKind, str] = {
    FormKind.NOT_FOUND: "失去联系党员情况登记表",
    FormKind.FOUND_AGAIN: "重新取得联系党员情况",
}
REASON_NAMES: dict[ReasonCode, str] = {
    ReasonCode.WORK_ELSEWHERE: "外出务工经商",
    ReasonCode.EMPLOYER_GONE: "单位改制或破产",
    ReasonCode.AFTER_GRADUATION: "毕业后去向不明",
    ReasonCode.EMPLOYER_CHANGED: "工作单位改变",
    ReasonCode.ABROAD: "出国（境）",
    ReasonCode.HOME_MOVED: "居住地改变",
    ReasonCode.OTHER: "其他",
}
_SEX_NAMES = {"male": "男", "female": "女"}
_ATTEMPT_HEADINGS = ("时间", "方式", "所联系的人", "结果", "文号", "记录人")
_WIDTHS = (20, 26, 18, 22, 24, 14)
_NOT_STORED = ""

Row = Sequence[str]
Section = tuple[str, Sequence[Row]]


def write(session: Session, actor: Actor, case_id: UUID, *, kind: FormKind, now: datetime) -> bytes:
    """One form of one case, on record as a showing of it.

    Raises:
        NotFound: the case is out of scope.
        FormUnfit: it is not open, or contact is not there again.
    """
    showing = Showing(AccessKind.FORM, TITLES[kind])
    case_file = open_case(session, actor, case_id, showing=showing, now=now)
    is_found = case_file.line.case.state == CaseState.RECONTACTED
    if is_found != (kind is FormKind.FOUND_AGAIN):
        raise FormUnfit
    sections = _SECTIONS[kind](case_file, business_day(now))
    return render(TITLES[kind], sections, f"填表人：{actor.name}", business_day(now))


def _not_found(case_file: CaseFile, today: date) -> Iterator[Section]:
    case = case_file.line.case
    yield "基本情况", _person_rows(case_file.line.member, case_file.line.organization_name)
    yield (
        "失去联系情况",
        [
            ("最后一次参加组织生活或交纳党费", _day(case.anchor_on), "查找截至", _day(today)),
            (
                "失去联系时间",
                BAND_NAMES[band_of(case.anchor_on, today)],
                *_reason(case.reason_code),
            ),
        ],
    )
    yield "查找经过", list(_attempt_rows(case_file))
    yield "查找方式核对", [(check.sentence, _yes(check.is_met)) for check in case_file.checks]
    yield "处置情况", list(_decision_rows(case_file))
    yield from _opinions("党支部意见", "基层党委意见", "县级党委组织部门意见")


def _found_again(case_file: CaseFile, _today: date) -> Iterator[Section]:
    case = case_file.line.case
    found_on = business_day(case.closed_at) if case.closed_at else None
    yield "基本情况", _person_rows(case_file.line.member, case_file.line.organization_name)
    lost = BAND_NAMES[band_of(case.anchor_on, found_on)] if found_on else _NOT_STORED
    yield (
        "重新取得联系情况",
        [
            (
                "最后一次参加组织生活或交纳党费",
                _day(case.anchor_on),
                "取得联系日期",
                _day(found_on),
            ),
            ("失去联系时间", lost, *_reason(case.reason_code)),
            ("取得联系的经过", case.closing_note or "本人已参加组织生活、交纳党费或报告"),
        ],
    )
    yield "查找经过", list(_attempt_rows(case_file))
    yield "处置情况", list(_decision_rows(case_file))
    yield from _opinions("党支部意见", "基层党委意见")


_SECTIONS = {FormKind.NOT_FOUND: _not_found, FormKind.FOUND_AGAIN: _found_again}


def _person_rows(member: Member, organization_name: str) -> list[Row]:
    return [
        ("姓名", member.name, "性别", _SEX_NAMES.get(member.sex or "", _NOT_STORED)),
        (
            "出生年份",
            str(member.birth_year or _NOT_STORED),
            "学历",
            member.education or _NOT_STORED,
        ),
        ("入党时间", _day(member.joined_on), "转正时间", _day(member.converted_on)),
        ("所在党支部", organization_name, "职务或职业", member.post or _NOT_STORED),
        ("联系电话", member.phone_masked or _NOT_STORED),
    ]


def _reason(code: str | None) -> Row:
    return ("失去联系原因", REASON_NAMES[ReasonCode(code)] if code else "未查明")


def _attempt_rows(case_file: CaseFile) -> Iterator[Row]:
    yield _ATTEMPT_HEADINGS
    for one in case_file.attempts:
        attempt = one.attempt
        yield (
            attempt.attempted_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M"),
            METHOD_NAMES[SearchMethod(attempt.method)],
            PERSON_NAMES[ContactedPerson(attempt.contacted)],
            OUTCOME_NAMES[Outcome(attempt.outcome)],
            attempt.document_number,
            one.recorded_by_name,
        )


def _decision_rows(case_file: CaseFile) -> Iterator[Row]:
    for one in case_file.decisions:
        decision = one.decision
        yield (
            KIND_NAMES[DecisionKind(decision.kind)],
            f"{decision.deciding_body}，{_day(decision.decided_on)}",
            decision.document_number,
            f"{decision.approving_body}，{_day(decision.approved_on)}",
        )


def _opinions(*bodies: str) -> Iterator[Section]:
    for body in bodies:
        yield body, [("（签章）", _NOT_STORED, "年  月  日")]


def render(title: str, sections: Iterable[Section], filler: str, filled_on: date) -> bytes:
    """A form as a workbook: its sections below one another, and who filled it when."""
    buffer = io.BytesIO()
    with text_workbook(buffer) as workbook:
        # The time of making would make two copies of one form differ.
        workbook.set_properties({"created": datetime(2000, 1, 1)})  # noqa: DTZ001
        sheet = workbook.add_worksheet(title[:31])
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        for column, width in enumerate(_WIDTHS):
            sheet.set_column(column, column, width)
        bold = workbook.add_format({"bold": True})
        wrapped = workbook.add_format({"text_wrap": True, "valign": "top", "border": 1})
        sheet.write_string(0, 0, title, bold)
        row = 2
        for heading, lines in sections:
            sheet.write_string(row, 0, heading, bold)
            for line in lines:
                row += 1
                for column, text in enumerate(line):
                    sheet.write_string(row, column, text, wrapped)
            row += 2
        sheet.write_string(row, 0, filler)
        sheet.write_string(row, 3, f"填表日期：{_day(filled_on)}")
    return buffer.getvalue()


def _day(day: date | None) -> str:
    return f"{day.year} 年 {day.month} 月 {day.day} 日" if day else _NOT_STORED


def _yes(is_met: bool) -> str:
    return "是" if is_met else "否"
