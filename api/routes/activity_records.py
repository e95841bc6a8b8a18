"""The record of a meeting: texts, and votes with their quorum."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from activities import records
from activities.records import VoteCount
from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Count, Identifier, InSchema, Instant, OutSchema, Text, Version
from api.routes.activities import ORGANISERS
from core.clock import utc_now
from core.db import unit_of_work

blp = Blueprint("activity_records", __name__, description="活动记录")

_ID = "0198c0de-0000-7000-8000-000000000045"
_AT = "2026-11-13T21:05:00+08:00"
_VOTES_MAX = 10_000


class RecordIn(InSchema):
    summary = Text(
        length_max=4000, lines=True, required=True, metadata={"example": "集中学习，讨论下月安排。"}
    )
    decisions = Text(
        length_max=4000,
        length_min=0,
        lines=True,
        load_default="",
        metadata={"example": "下月走访困难党员 3 户。"},
    )
    version = Version(
        minimum=0, metadata={"example": 0, "description": "第一次填写为 0，以后为读到的版本"}
    )


class RecordOut(OutSchema):
    activity_id = Identifier(metadata={"example": _ID})
    summary = fields.String(metadata={"example": "集中学习，讨论下月安排。"})
    decisions = fields.String(metadata={"example": "下月走访困难党员 3 户。"})
    recorded_at = Instant(metadata={"example": _AT})
    version = fields.Integer(metadata={"example": 1})


class FindingOut(OutSchema):
    holds = fields.Boolean(metadata={"example": True})
    needed = fields.Integer(metadata={"example": 22})
    sentence = fields.String(
        metadata={"example": "应到有表决权的党员 43 人，实到 38 人，可以表决。"}
    )
    basis = fields.String(metadata={"example": "《中国共产党支部工作条例（试行）》第十一条"})


class QuorumOut(OutSchema):
    items = fields.List(fields.Nested(FindingOut))


class VoteIn(InSchema):
    motion = Text(length_max=200, required=True, metadata={"example": "同意接收张某为预备党员"})
    in_favour = Count(maximum=_VOTES_MAX, required=True, metadata={"example": 30})
    against = Count(maximum=_VOTES_MAX, required=True, metadata={"example": 1})
    abstained = Count(maximum=_VOTES_MAX, required=True, metadata={"example": 2})


class VoteOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    motion = fields.String(metadata={"example": "同意接收张某为预备党员"})
    voters_due = fields.Integer(metadata={"example": 43})
    voters_present = fields.Integer(metadata={"example": 38})
    in_favour = fields.Integer(metadata={"example": 30})
    against = fields.Integer(metadata={"example": 1})
    abstained = fields.Integer(metadata={"example": 2})
    is_quorate = fields.Boolean(metadata={"example": True})
    is_passed = fields.Boolean(metadata={"example": True})
    recorded_at = Instant(metadata={"example": _AT})


class VotesOut(OutSchema):
    items = fields.List(fields.Nested(VoteOut))


@blp.put("/activities/<uuid:activity_id>/record", access=ORGANISERS)
@blp.arguments(RecordIn)
@blp.response(200, RecordOut)
def write_activity_record(data: dict[str, Any], activity_id: UUID) -> Any:
    """填写或修改活动记录"""
    with unit_of_work(db.session()) as session:
        return records.write(
            session,
            current_actor(),
            activity_id,
            texts=(data["summary"], data["decisions"]),
            version=data["version"],
            now=utc_now(),
        )


@blp.get("/activities/<uuid:activity_id>/record", access=Access.MEMBER)
@blp.response(200, RecordOut)
def get_activity_record(activity_id: UUID) -> Any:
    """活动记录"""
    return records.get_record(db.session(), current_actor(), activity_id)


@blp.get("/activities/<uuid:activity_id>/quorum", access=ORGANISERS)
@blp.response(200, QuorumOut)
def judge_quorum(activity_id: UUID) -> Any:
    """到会人数能否表决、能否通过、能否选举"""
    return {"items": records.judge_quorum(db.session(), current_actor(), activity_id)}


@blp.post("/activities/<uuid:activity_id>/votes", access=ORGANISERS)
@blp.arguments(VoteIn)
@blp.response(201, VoteOut)
def take_vote(data: dict[str, Any], activity_id: UUID) -> Any:
    """登记一次表决，是否通过按应到人数计算"""
    with unit_of_work(db.session()) as session:
        return records.take_vote(
            session, current_actor(), activity_id, count=VoteCount(**data), now=utc_now()
        )


@blp.get("/activities/<uuid:activity_id>/votes", access=Access.MEMBER)
@blp.response(200, VotesOut)
def list_votes(activity_id: UUID) -> Any:
    """活动的各次表决"""
    return {"items": records.list_votes(db.session(), current_actor(), activity_id)}
