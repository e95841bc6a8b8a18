"""Bulletins: preview, publish, read, close."""

import re
from typing import Any
from uuid import UUID

from marshmallow import fields, validate

from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, Identifier, InSchema, Instant, OutSchema, PointsText
from api.paging import PageQuery, encode_page, page_of
from core.clock import utc_now
from core.db import unit_of_work
from points import bulletin_reading, bulletins
from points.bulletin_access import CADRE_PUBLISHING_ROLES, PUBLISHING_ROLES
from points.models import Subject

blp = Blueprint("bulletins", __name__, description="公示")

_ID = "0198c0de-0000-7000-8000-000000000090"
_SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_MONTH = re.compile(r"20\d{2}-(0[1-9]|1[0-2])", re.ASCII)
PUBLISHERS = any_of(*PUBLISHING_ROLES, *CADRE_PUBLISHING_ROLES)


class Month(fields.String):
    """A calendar month, YYYY-MM."""

    default_error_messages = {"invalid": "应为 YYYY-MM 的月份", "required": "必填"}

    def __init__(self, **kwargs: Any):
        super().__init__(validate=validate.Length(equal=7), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not (isinstance(value, str) and _MONTH.fullmatch(value)):
            raise self.make_error("invalid")
        return value


class SubjectChoice(Choice):
    """Whose points; members' unless said."""

    def __init__(self) -> None:
        super().__init__(
            Subject,
            load_default=Subject.PARTY_MEMBERS,
            metadata={"example": "party_members"},
        )


class BulletinIn(InSchema):
    month = Month(required=True, metadata={"example": "2026-11"})
    subject = SubjectChoice()


class BulletinQuery(PageQuery):
    subject = SubjectChoice()


class PreviewRowOut(OutSchema):
    entry_id = Identifier(metadata={"example": _ID})
    group_name = fields.String(metadata={"example": "第一党小组"})
    member_name = fields.String(metadata={"example": "李静"})
    item_name = fields.String(metadata={"example": "志愿服务"})
    title = fields.String(metadata={"example": "清扫社区花坛"})
    happened_on = Day(metadata={"example": "2026-11-07"})
    points = PointsText(metadata={"example": "2"})


class PreviewOut(OutSchema):
    month = fields.String(metadata={"example": "2026-11"})
    subject = fields.String(metadata={"example": "party_members"})
    rows = fields.List(fields.Nested(PreviewRowOut))


class BulletinRowOut(PreviewRowOut):
    is_withdrawn = fields.Boolean(
        metadata={"example": False, "description": "公示后已冲正；原文不变"}
    )
    is_confirmed = fields.Boolean(metadata={"example": False})


class BulletinOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    organization_id = Identifier(metadata={"example": _ID})
    subject = fields.String(metadata={"example": "party_members"})
    month = fields.String(metadata={"example": "2026-11"})
    status = fields.String(metadata={"example": "open", "description": "open closed"})
    published_at = Instant(metadata={"example": "2026-12-01T09:00:00+08:00"})
    ends_on = Day(metadata={"example": "2026-12-08", "description": "公示的最后一天"})
    is_estimated = fields.Boolean(
        metadata={"example": False, "description": "当年放假安排未录入，工作日按周一至周五估算"}
    )
    working_days = fields.Integer(metadata={"example": 5})
    entries = fields.Integer(metadata={"example": 31})
    sha256 = fields.String(metadata={"example": _SHA})
    closed_on = Day(allow_none=True, metadata={"example": None})


class BulletinDetailOut(BulletinOut):
    rows = fields.List(fields.Nested(BulletinRowOut))


BulletinPage = page_of(BulletinOut)


@blp.get("/orgs/<uuid:organization_id>/bulletins/preview", access=PUBLISHERS)
@blp.arguments(BulletinIn, location="query")
@blp.response(200, PreviewOut)
def preview_bulletin(query: dict[str, Any], organization_id: UUID) -> Any:
    """公示前预览：会公示哪些积分"""
    rows = bulletins.preview(db.session(), current_actor(), organization_id, **query, now=utc_now())
    return query | {"rows": rows}


@blp.post("/orgs/<uuid:organization_id>/bulletins", access=PUBLISHERS)
@blp.arguments(BulletinIn)
@blp.response(201, BulletinDetailOut)
def publish_bulletin(data: dict[str, Any], organization_id: UUID) -> Any:
    """公示一个月的积分；每月一次，迟到的进入下一次；村（社区）干部的由上级另行公示"""
    with unit_of_work(db.session()) as session:
        actor = current_actor()
        bulletin = bulletins.publish(session, actor, organization_id, **data, now=utc_now())
        return _shown(session, actor, bulletin)


@blp.get("/orgs/<uuid:organization_id>/bulletins", access=Access.MEMBER)
@blp.arguments(BulletinQuery, location="query")
@blp.response(200, BulletinPage)
def list_bulletins(query: dict[str, Any], organization_id: UUID) -> Any:
    """本组织及下级的公示，新的在前；村（社区）干部的另列"""
    page = bulletin_reading.list_of_organization(
        db.session(),
        current_actor(),
        organization_id,
        subject=query["subject"],
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page)


@blp.get("/bulletins/<uuid:bulletin_id>", access=Access.MEMBER)
@blp.response(200, BulletinDetailOut)
def get_bulletin(bulletin_id: UUID) -> Any:
    """一次公示及其逐项内容"""
    session, actor = db.session(), current_actor()
    return _shown(session, actor, bulletin_reading.get(session, actor, bulletin_id))


@blp.post("/bulletins/<uuid:bulletin_id>/close", access=PUBLISHERS)
@blp.response(200, BulletinOut)
def close_bulletin(bulletin_id: UUID) -> Any:
    """公示期满且没有未答复的异议时结束公示，积分转为正式"""
    with unit_of_work(db.session()) as session:
        return bulletins.close(session, current_actor(), bulletin_id, now=utc_now())


def _shown(session: Any, actor: Any, bulletin: Any) -> dict[str, Any]:
    values = {name: getattr(bulletin, name) for name in BulletinOut().fields}
    rows = [
        {name: getattr(one.row, name) for name in PreviewRowOut().fields}
        | {"is_withdrawn": one.is_withdrawn, "is_confirmed": one.is_confirmed}
        for one in bulletin_reading.list_rows(session, actor, bulletin)
    ]
    return values | {"rows": rows}
