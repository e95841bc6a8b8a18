"""The work calendar: holidays and the days worked in exchange, year by year."""

from typing import Any

from marshmallow import fields, validate

from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Day, Flag, InSchema, OutSchema, Text
from core.clock import utc_now
from core.db import unit_of_work
from core.errors import NotFound
from members import work_calendar
from members.work_calendar import CALENDAR_ROLES, NOTICE_DAYS_MAX, NoticeDay

blp = Blueprint("work-calendar", __name__, description="工作日历")

_YEARS = range(2000, 2101)


class NoticeDayIn(InSchema):
    day = Day(required=True, metadata={"example": "2027-02-06"})
    is_working = Flag(
        required=True, metadata={"example": False, "description": "调休上班为 true，放假为 false"}
    )
    name = Text(length_max=40, required=True, metadata={"example": "春节"})


class NoticeIn(InSchema):
    days = fields.List(
        fields.Nested(NoticeDayIn),
        required=True,
        validate=validate.Length(1, NOTICE_DAYS_MAX, error=f"应为 1 至 {NOTICE_DAYS_MAX} 天"),
    )


class NoticeDayOut(OutSchema):
    day = Day(metadata={"example": "2027-02-06"})
    is_working = fields.Boolean(metadata={"example": False})
    name = fields.String(metadata={"example": "春节"})


class NoticeOut(OutSchema):
    year = fields.Integer(metadata={"example": 2027})
    days = fields.List(fields.Nested(NoticeDayOut))


@blp.get("/work-calendar/<int:year>", access=Access.MEMBER)
@blp.response(200, NoticeOut)
def get_work_calendar(year: int) -> Any:
    """一年的放假和调休安排；通知还没有录入时为空"""
    return {"year": year, "days": work_calendar.list_notice(db.session(), _known(year))}


@blp.put("/work-calendar/<int:year>", access=any_of(*CALENDAR_ROLES))
@blp.arguments(NoticeIn)
@blp.response(200, NoticeOut)
def put_work_calendar(data: dict[str, Any], year: int) -> Any:
    """录入国务院办公厅关于一年节假日安排的通知；再次提交即更正"""
    days = [NoticeDay(one["day"], one["is_working"], one["name"]) for one in data["days"]]
    with unit_of_work(db.session()) as session:
        kept = work_calendar.take_notice(
            session, current_actor(), _known(year), days=days, now=utc_now()
        )
        return {"year": year, "days": kept}


def _known(year: int) -> int:
    if year not in _YEARS:
        raise NotFound
    return year
