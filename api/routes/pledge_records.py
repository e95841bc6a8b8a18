"""Reading pledges: my own, and one with its timeline, texts, notes, evaluations and points."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from activities import pledge_reading
from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Day, Identifier, Instant, OutSchema, PointsText, QueryCount
from api.paging import PageQuery, encode_page
from api.routes.pledge_lists import PledgeOut, PledgePage, shown_line

blp = Blueprint("pledge_records", __name__, description="承诺记录")

_ID = "0198c0de-0000-7000-8000-000000000080"
_AT = "2026-11-07T12:00:00+08:00"


class MyPledgesQuery(PageQuery):
    year = QueryCount(minimum=2000, maximum=2100, metadata={"example": 2026})


class PledgeEventOut(OutSchema):
    kind = fields.String(metadata={"example": "approve"})
    status = fields.String(metadata={"example": "approved"})
    actor_id = Identifier(metadata={"example": _ID})
    reason = fields.String(metadata={"example": ""})
    body = fields.String(allow_none=True, metadata={"example": "branch_committee"})
    meeting_on = Day(allow_none=True, metadata={"example": "2026-03-10"})
    reference = fields.String(metadata={"example": "支委会记录〔2026〕3 号"})
    due_on = Day(metadata={"example": "2026-12-20"})
    at = Instant(metadata={"example": _AT})


class PledgeTextOut(OutSchema):
    number = fields.Integer(metadata={"example": 1})
    category = fields.String(metadata={"example": "service"})
    title = fields.String(metadata={"example": "帮扶社区独居老人"})
    content = fields.String(metadata={"example": "每月上门看望社区独居老人。"})
    target = fields.String(metadata={"example": "全年上门 12 次以上"})
    beneficiary = fields.String(metadata={"example": "社区独居老人"})
    post = fields.String(metadata={"example": ""})
    due_on = Day(metadata={"example": "2026-12-20"})
    reason = fields.String(metadata={"example": ""})
    proposed_by = Identifier(metadata={"example": _ID})
    proposed_at = Instant(metadata={"example": _AT})


class PledgeNoteOut(OutSchema):
    kind = fields.String(metadata={"example": "progress"})
    note = fields.String(metadata={"example": "本月上门两次。"})
    author_id = Identifier(metadata={"example": _ID})
    at = Instant(metadata={"example": _AT})


class PledgeEvaluationOut(OutSchema):
    revision = fields.Integer(metadata={"example": 1})
    is_fulfilled = fields.Boolean(metadata={"example": True})
    member_rating = fields.String(metadata={"example": "优"})
    masses_rating = fields.String(metadata={"example": "优"})
    organization_rating = fields.String(metadata={"example": "良"})
    grade = fields.String(metadata={"example": "优"})
    body = fields.String(metadata={"example": "general_meeting"})
    meeting_on = Day(metadata={"example": "2026-12-25"})
    reference = fields.String(metadata={"example": "党员大会记录〔2026〕4 号"})
    reason = fields.String(metadata={"example": ""})
    entry_id = Identifier(allow_none=True, metadata={"example": _ID})
    points = PointsText(allow_none=True, metadata={"example": "6"})
    is_reversed = fields.Boolean(metadata={"example": False})
    note = fields.String(metadata={"example": ""})
    evaluated_by = Identifier(metadata={"example": _ID})
    evaluated_at = Instant(metadata={"example": _AT})


class PledgeDetailOut(PledgeOut):
    text_number = fields.Integer(metadata={"example": 1})
    text_in_force = fields.Integer(
        metadata={"example": 1, "description": "现行文本的编号；大于它的文本正待审核或未获通过"}
    )
    hints = fields.List(fields.String(metadata={"example": "一般每名党员 2 至 5 项，供参考。"}))
    timeline = fields.List(fields.Nested(PledgeEventOut))
    texts = fields.List(fields.Nested(PledgeTextOut))
    notes = fields.List(fields.Nested(PledgeNoteOut))
    evaluations = fields.List(fields.Nested(PledgeEvaluationOut))


@blp.get("/pledges", access=Access.MEMBER)
@blp.arguments(MyPledgesQuery, location="query")
@blp.response(200, PledgePage)
def list_my_pledges(query: dict[str, Any]) -> Any:
    """我的承诺，新的在前，并说明下一步可以做什么"""
    page = pledge_reading.list_own(
        db.session(),
        current_actor(),
        year=query.get("year"),
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page) | {"items": [shown_line(line) for line in page.items]}


@blp.get("/pledges/<uuid:pledge_id>", access=Access.MEMBER)
@blp.response(200, PledgeDetailOut)
def get_pledge(pledge_id: UUID) -> Any:
    """一项承诺及其经过、历次文本、记录、评定和积分"""
    return shown_record(pledge_id)


def shown_record(pledge_id: UUID) -> dict[str, Any]:
    """One pledge with all its parts, as it is after the step that was taken."""
    record = pledge_reading.get(db.session(), current_actor(), pledge_id)
    pledge = record.line.pledge
    return shown_line(record.line) | {
        "text_number": pledge.text_number,
        "text_in_force": pledge.text_in_force,
        "hints": record.hints,
        "timeline": record.timeline,
        "texts": record.texts,
        "notes": record.notes,
        "evaluations": [_shown_evaluation(row) for row in record.evaluations],
    }


def _shown_evaluation(row: Any) -> dict[str, Any]:
    values = {name: getattr(row.PledgeEvaluation, name) for name in _EVALUATION_FIELDS}
    return values | {"points": row.points, "is_reversed": row.is_reversed}


_EVALUATION_FIELDS = PledgeEvaluationOut().fields.keys() - {"points", "is_reversed"}
