"""Points: my balance and entries, why each number is what it is, the ledger, reversals."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Day, Identifier, InSchema, Instant, OutSchema, PointsText, QueryCount, Text
from api.paging import PageQuery, encode_page, page_of
from api.recorded_reading import recorded_reading
from api.routes.claims import REVIEWERS
from core import audit
from core.clock import utc_now
from core.db import unit_of_work
from points import balances, entries, explanations, ledger
from points.entries import LedgerView

blp = Blueprint("points", __name__, description="积分")

_ID = "0198c0de-0000-7000-8000-000000000030"


class YearQuery(InSchema):
    year = QueryCount(minimum=1900, maximum=2100, metadata={"example": 2026})


class LedgerQuery(PageQuery):
    as_of = Day(
        metadata={"example": "2026-11-30", "description": "只看到这一天结束时已经知道的记录"}
    )


class ComponentOut(OutSchema):
    code = fields.String(metadata={"example": "bonus"})
    name = fields.String(metadata={"example": "加分"})
    start = PointsText(metadata={"example": "0"})
    points = PointsText(metadata={"example": "2.5"})
    cap = PointsText(
        allow_none=True, metadata={"example": "30", "description": "不设上限的为 null"}
    )


class CapUseOut(OutSchema):
    bucket = fields.String(metadata={"example": "item:volunteer_service:year:2026"})
    used = PointsText(metadata={"example": "2.5"})
    cap = PointsText(metadata={"example": "10"})


class BalanceOut(OutSchema):
    year = fields.Integer(metadata={"example": 2026})
    status = fields.String(metadata={"example": "scored", "description": "scored exempt"})
    total = PointsText(
        allow_none=True, metadata={"example": "62.5", "description": "豁免的为 null，不是零分"}
    )
    provisional = PointsText(metadata={"example": "2.5", "description": "已通过、公示期未满"})
    confirmed = PointsText(metadata={"example": "0", "description": "公示期满"})
    band = fields.String(allow_none=True, metadata={"example": "合格", "description": "仅供参考"})
    pending_claims = fields.Integer(metadata={"example": 1})
    components = fields.List(fields.Nested(ComponentOut))
    caps = fields.List(fields.Nested(CapUseOut))


class EntryOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    seq = fields.Integer(metadata={"example": 12})
    member_id = Identifier(metadata={"example": _ID})
    member_name = fields.String(metadata={"example": "李静"})
    organization_id = Identifier(metadata={"example": _ID})
    organization_name = fields.String(metadata={"example": "梧桐里社区第一党支部"})
    claim_id = Identifier(allow_none=True, metadata={"example": _ID})
    reverses_id = Identifier(allow_none=True, metadata={"example": None})
    reversed_by = Identifier(allow_none=True, metadata={"example": None})
    item_code = fields.String(metadata={"example": "volunteer_service"})
    title = fields.String(metadata={"example": "清扫社区花坛"})
    happened_on = Day(metadata={"example": "2026-11-07"})
    asked = PointsText(metadata={"example": "2"})
    points = PointsText(metadata={"example": "2"})
    binding_cap = fields.String(allow_none=True, metadata={"example": None})
    scheme_version_id = Identifier(metadata={"example": _ID})
    scheme_version = fields.Integer(metadata={"example": 1})
    basis_kind = fields.String(
        allow_none=True,
        metadata={"example": "volunteer_record", "description": "依据的种类；冲正的为 null"},
    )
    basis_id = Identifier(allow_none=True, metadata={"example": _ID})
    reason = fields.String(metadata={"example": ""})
    actor_id = Identifier(metadata={"example": _ID})
    posted_at = Instant(metadata={"example": "2026-11-08T10:00:00+08:00"})


class ExplanationOut(OutSchema):
    entry_id = Identifier(attribute="entry.id", metadata={"example": _ID})
    points = PointsText(attribute="entry.points", metadata={"example": "2"})
    scheme_name = fields.String(metadata={"example": "党员积分起步方案"})
    scheme_version = fields.Integer(metadata={"example": 1})
    steps = fields.List(
        fields.String(),
        metadata={"example": ["志愿服务 120 分钟……应计 2 分。", "未达到任何上限，实计 2 分。"]},
    )


class ReversalIn(InSchema):
    reason = Text(length_max=200, required=True, metadata={"example": "重复申报，当事人已确认"})


class ReversalOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    reverses_id = Identifier(metadata={"example": _ID})
    points = PointsText(metadata={"example": "-2"})
    reason = fields.String(metadata={"example": "重复申报，当事人已确认"})
    posted_at = Instant(metadata={"example": "2026-11-09T10:00:00+08:00"})


EntryPage = page_of(EntryOut)


@blp.get("/me/points", access=Access.MEMBER)
@blp.arguments(YearQuery, location="query")
@blp.response(200, BalanceOut)
def get_my_points(query: dict[str, Any]) -> Any:
    """我的积分：合计、公示前后、各项上限"""
    actor = current_actor()
    return balances.get_own(db.session(), actor, year=query.get("year", actor.on.year))


@blp.get("/me/points/entries", access=Access.MEMBER)
@blp.arguments(PageQuery, location="query")
@blp.response(200, EntryPage)
def list_my_entries(query: dict[str, Any]) -> Any:
    """我的积分流水，新的在前"""
    page = entries.list_own(
        db.session(), current_actor(), after=query.get("cursor"), limit=query["limit"]
    )
    return encode_page(page) | {"items": [shown_entry(row) for row in page.items]}


@blp.get("/points/entries/<uuid:entry_id>/explain", access=Access.MEMBER)
@blp.response(200, ExplanationOut)
def explain_entry(entry_id: UUID) -> Any:
    """这笔积分为什么是这个数"""
    with recorded_reading() as session:
        explained = explanations.explain(session, current_actor(), entry_id)
        audit.note_reading(session, "ledger", [explained.entry.member_id])
    return explained


@blp.get("/orgs/<uuid:organization_id>/points/ledger", access=any_of(*entries.LEDGER_ROLES))
@blp.arguments(LedgerQuery, location="query")
@blp.response(200, EntryPage)
def list_ledger(query: dict[str, Any], organization_id: UUID) -> Any:
    """本组织及下级的积分台账，新的在前"""
    with recorded_reading() as session:
        page = entries.list_of_organization(
            session,
            current_actor(),
            organization_id,
            view=LedgerView(as_of=query.get("as_of")),
            after=query.get("cursor"),
            limit=query["limit"],
        )
        audit.note_reading(session, "ledger", (row.LedgerEntry.member_id for row in page.items))
    return encode_page(page) | {"items": [shown_entry(row) for row in page.items]}


@blp.post("/points/entries/<uuid:entry_id>/reversal", access=REVIEWERS)
@blp.arguments(ReversalIn)
@blp.response(201, ReversalOut)
def reverse_entry(data: dict[str, Any], entry_id: UUID) -> Any:
    """冲正一笔积分"""
    with unit_of_work(db.session()) as session:
        return ledger.reverse(
            session, current_actor(), entry_id, reason=data["reason"], now=utc_now()
        )


def shown_entry(row: Any) -> dict[str, Any]:
    """An entry of a list with the names that stand beside it."""
    entry = row.LedgerEntry
    values = {name: getattr(entry, name) for name in _ENTRY_FIELDS}
    return values | {name: getattr(row, name) for name in _BESIDE}


_BESIDE = frozenset(
    {"member_name", "organization_name", "reversed_by"}
    | {"scheme_version", "basis_kind", "basis_id"}
)
_ENTRY_FIELDS = EntryOut().fields.keys() - _BESIDE
