"""The work calendar through HTTP and at the command line."""

from pathlib import Path

from flask import Flask

from core.working_days import load_calendar
from tests.served import Service

DAYS = [
    {"day": "2027-02-05", "is_working": False, "name": "春节"},
    {"day": "2027-02-20", "is_working": True, "name": "春节调休"},
]


def test_administrator_takes_over_a_notice_and_amends_it(service: Service) -> None:
    admin, member = service.caller("区管理员"), service.caller("党员甲")

    assert admin.put("/work-calendar/2027", {"days": DAYS}).status_code == 200
    amended = admin.put("/work-calendar/2027", {"days": DAYS[:1]})

    assert amended.json == member.get("/work-calendar/2027").json
    assert amended.json == {"year": 2027, "days": DAYS[:1]}
    calendar = load_calendar(service.world.session)
    assert calendar.notice_years == {2027}


def test_nobody_else_changes_the_calendar(service: Service) -> None:
    assert service.caller("书记一").put("/work-calendar/2027", {"days": DAYS}).status_code == 403


def test_notice_with_impossible_days_is_refused(service: Service) -> None:
    admin = service.caller("区管理员")
    for day, working in (("2026-11-05", False), ("2027-02-03", True)):
        body = {"days": [{"day": day, "is_working": working, "name": "错"}]}
        refused = admin.put("/work-calendar/2027", body)
        assert (refused.status_code, refused.json["code"]) == (422, "calendar.notice_invalid")
    assert admin.put("/work-calendar/2027", {"days": DAYS + DAYS[:1]}).status_code == 422


def test_year_out_of_range_is_not_found(service: Service) -> None:
    assert service.caller("党员甲").get("/work-calendar/1999").status_code == 404


def test_operator_imports_a_file(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "notice.csv"
    file.write_text("2027-02-05,休,春节\n2027-02-20,班,春节调休\n", encoding="utf-8")

    done = app.test_cli_runner().invoke(args=["calendar", "import", "2027", str(file)])
    file.write_text("2027/02/05,休,春节\n", encoding="utf-8")
    refused = app.test_cli_runner().invoke(args=["calendar", "import", "2027", str(file)])

    assert (done.exit_code, done.output) == (0, "已录入 2027 年 2 天。\n")
    assert refused.exit_code == 1
