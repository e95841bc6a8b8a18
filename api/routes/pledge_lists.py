"""Lists of pledges: what a branch makes known, what it works on, what is due."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from activities import pledge_lists
from activities.pledge_lists import DUE_DAYS_MAX, Wanted
from activities.pledge_reading import WORKING_ROLES, Line
from activities.pledge_states import PRIVATE, STATUS_LABELS, PledgeStatus
from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, Identifier, Instant, OutSchema, QueryCount
from api.paging import PageQuery, encode_page, page_of
from core.paging import Page

blp = Blueprint("pledge_lists", __name__, description="支部承诺清单")

_ID = "0198c0de-0000-7000-8000-000000000080"
_AT = "2026-03-12T12:00:00+08:00"
READERS = any_of(*WORKING_ROLES)


class PublicPledgeOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    member_id = Identifier(metadata={"example": _ID})
    member_name = fields.String(metadata={"example": "李静"})
    party_group_name = fields.String(metadata={"example": "第一党小组"})
    year = fields.Integer(metadata={"example": 2026})
    kind = fields.String(metadata={"example": "annual_pledge"})
    category = fields.String(metadata={"example": "service"})
    title = fields.String(metadata={"example": "帮扶社区独居老人"})
    content = fields.String(metadata={"example": "每月上门看望社区独居老人。"})
    target = fields.String(metadata={"example": "全年上门 12 次以上"})
    beneficiary = fields.String(metadata={"example": "社区独居老人"})
    post = fields.String(metadata={"example": ""})
    due_on = Day(metadata={"example": "2026-12-20"})
    status = fields.String(metadata={"example": "in_progress"})
    status_label = fields.String(metadata={"example": "践诺中"})
    published_at = Instant(allow_none=True, metadata={"example": _AT})
    grade = fields.String(metadata={"example": ""})
    excuse_reason = fields.String(
        metadata={"example": "", "description": "因客观原因未兑现的，向群众说明的原因"}
    )


class PledgeOut(PublicPledgeOut):
    organization_id = Identifier(metadata={"example": _ID})
    reviewer_organization_id = Identifier(metadata={"example": _ID})
    decision_reason = fields.String(metadata={"example": ""})
    approval_body = fields.String(allow_none=True, metadata={"example": "branch_committee"})
    approval_meeting_on = Day(allow_none=True, metadata={"example": "2026-03-10"})
    approval_reference = fields.String(metadata={"example": "支委会记录〔2026〕3 号"})
    entered_by = Identifier(metadata={"example": _ID})
    created_at = Instant(metadata={"example": _AT})
    version = fields.Integer(metadata={"example": 5})
    allowed_steps = fields.List(
        fields.String(metadata={"example": "note_progress"}),
        metadata={"description": "当前可以做的下一步"},
    )


class YearQuery(PageQuery):
    year = QueryCount(minimum=2000, maximum=2100, required=True, metadata={"example": 2026})


class WorkingQuery(YearQuery):
    status = Choice(
        [status for status in PledgeStatus if status not in PRIVATE],
        metadata={"example": "submitted"},
    )


class DueQuery(PageQuery):
    within_days = QueryCount(
        minimum=0,
        maximum=DUE_DAYS_MAX,
        load_default=30,
        metadata={"example": 30, "description": "多少天内到期；已逾期的总在其中"},
    )


PublicPledgePage, PledgePage = page_of(PublicPledgeOut), page_of(PledgeOut)


@blp.get("/orgs/<uuid:organization_id>/pledges/public", access=Access.MEMBER)
@blp.arguments(YearQuery, location="query")
@blp.response(200, PublicPledgePage)
def list_public_pledges(query: dict[str, Any], organization_id: UUID) -> Any:
    """支部公开的承诺，按党小组、姓名排列"""
    return _encoded(
        pledge_lists.list_public(
            db.session(),
            current_actor(),
            organization_id,
            year=query["year"],
            after=query.get("cursor"),
            limit=query["limit"],
        )
    )


@blp.get("/orgs/<uuid:organization_id>/pledges", access=READERS)
@blp.arguments(WorkingQuery, location="query")
@blp.response(200, PledgePage)
def list_working_pledges(query: dict[str, Any], organization_id: UUID) -> Any:
    """支部承诺台账，可按状态筛选，按党小组、姓名排列"""
    status = query.get("status")
    return _encoded(
        pledge_lists.list_working(
            db.session(),
            current_actor(),
            organization_id,
            wanted=Wanted(query["year"], PledgeStatus(status) if status else None),
            after=query.get("cursor"),
            limit=query["limit"],
        )
    )


@blp.get("/orgs/<uuid:organization_id>/pledges/due", access=READERS)
@blp.arguments(DueQuery, location="query")
@blp.response(200, PledgePage)
def list_due_pledges(query: dict[str, Any], organization_id: UUID) -> Any:
    """即将到期和已逾期的承诺，按党小组、姓名排列"""
    return _encoded(
        pledge_lists.list_due(
            db.session(),
            current_actor(),
            organization_id,
            within_days=query["within_days"],
            after=query.get("cursor"),
            limit=query["limit"],
        )
    )


def shown_line(line: Line) -> dict[str, Any]:
    """A pledge with the names and labels that people read."""
    values = {name: getattr(line.pledge, name) for name in _PLEDGE_FIELDS}
    return values | {
        "member_name": line.member_name,
        "party_group_name": line.party_group_name,
        "status_label": STATUS_LABELS[PledgeStatus(line.pledge.status)],
        "allowed_steps": line.allowed_steps,
    }


def _encoded(page: Page[Line]) -> dict[str, Any]:
    return encode_page(page) | {"items": [shown_line(line) for line in page.items]}


_PLEDGE_FIELDS = PledgeOut().fields.keys() - {
    "member_name", "party_group_name", "status_label", "allowed_steps",
}  # fmt: skip
