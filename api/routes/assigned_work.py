"""Work that the party assigned to members: assigned, reported by him, settled by a leader."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, Identifier, InSchema, Instant, OutSchema, Text, Version
from api.paging import PageQuery, encode_page, page_of
from core.clock import utc_now
from core.db import unit_of_work
from members.access import ROSTER_ROLES
from members.contact import assigned_work
from members.contact.assigned_work import ANSWERS, WorkAnswer, WorkFacts
from members.contact.assigned_work_models import UNDONE, WorkState
from notifications import assigned_work_steps
from notifications.assigned_work_steps import STATE_NAMES

blp = Blueprint("assigned-work", __name__, description="组织分配的工作")

_ID = "0198c0de-0000-7000-8000-000000000170"
_AT = "2026-11-10T09:00:00+08:00"
KEEPERS = any_of(*ROSTER_ROLES)
READERS = any_of(*assigned_work.WORK_READERS)


class AssignedWorkIn(InSchema):
    title = Text(length_max=120, required=True, metadata={"example": "联系三户独居老人"})
    assigned_on = Day(required=True, metadata={"example": "2026-11-02"})
    due_on = Day(
        required=True,
        metadata={"example": "2026-11-30", "description": "到这一天还没有做，才开始计时"},
    )
    basis = Text(
        length_max=200, length_min=0, load_default="", metadata={"example": "支委会 11 月 2 日研究"}
    )
    document_number = Text(length_max=80, length_min=0, load_default="", metadata={"example": ""})


class WorkAnswerIn(InSchema):
    state = Choice(
        ANSWERS,
        required=True,
        metadata={
            "example": "done",
            "description": "done 完成；refused 无正当理由不做；excused 有正当理由；withdrawn 撤回",
        },
    )
    on = Day(required=True, metadata={"example": "2026-11-20"})
    note = Text(
        length_max=200,
        length_min=0,
        load_default="",
        metadata={"example": "", "description": "除已完成外，须写明理由"},
    )
    version = Version(metadata={"example": 1})


class OwnWordIn(InSchema):
    note = Text(
        length_max=200, required=True, metadata={"example": "三户都已走访，情况写在本子上。"}
    )


class AssignedWorkQuery(PageQuery):
    state = Choice(
        WorkState,
        load_default=None,
        metadata={"example": "open", "description": "省略即还没有了结的（open、refused）"},
    )


class AssignedWorkOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    member_id = Identifier(metadata={"example": _ID})
    organization_id = Identifier(metadata={"example": _ID})
    title = fields.String(metadata={"example": "联系三户独居老人"})
    basis = fields.String(metadata={"example": "支委会 11 月 2 日研究"})
    document_number = fields.String(metadata={"example": ""})
    assigned_on = Day(metadata={"example": "2026-11-02"})
    due_on = Day(metadata={"example": "2026-11-30"})
    counts_from = Day(
        metadata={"example": "2026-11-30", "description": "从这一天起，没有做的时间才计入"}
    )
    state = fields.String(metadata={"example": "open"})
    state_name = fields.Function(
        lambda work: STATE_NAMES[WorkState(work.state)],
        metadata={"type": "string", "example": "进行中"},
    )
    settled_on = Day(allow_none=True, metadata={"example": None})
    note = fields.String(metadata={"example": ""})
    own_word = fields.String(metadata={"example": "", "description": "本人的说明"})
    own_word_at = Instant(allow_none=True, metadata={"example": None})
    recorded_by = Identifier(metadata={"example": _ID})
    recorded_at = Instant(metadata={"example": _AT})
    version = fields.Integer(metadata={"example": 1})


class AssignedWorkLineOut(OutSchema):
    member_name = fields.String(metadata={"example": "王志强"})
    work = fields.Nested(AssignedWorkOut)


AssignedWorkPage = page_of(AssignedWorkLineOut)


@blp.post("/members/<uuid:member_id>/assigned-work", access=KEEPERS)
@blp.arguments(AssignedWorkIn)
@blp.response(201, AssignedWorkOut)
def assign_work(data: dict[str, Any], member_id: UUID) -> Any:
    """登记组织分配给一名党员的工作；与积分无关"""
    with unit_of_work(db.session()) as session:
        return assigned_work_steps.assign(
            session, current_actor(), member_id, facts=WorkFacts(**data), now=utc_now()
        )


@blp.get("/assigned-work/<uuid:work_id>", access=Access.MEMBER)
@blp.response(200, AssignedWorkOut)
def get_assigned_work(work_id: UUID) -> Any:
    """一项分配的工作，本人和负责人可看"""
    return assigned_work.get_work(db.session(), current_actor(), work_id)


@blp.post("/assigned-work/<uuid:work_id>/answer", access=KEEPERS)
@blp.arguments(WorkAnswerIn)
@blp.response(200, AssignedWorkOut)
def answer_assigned_work(data: dict[str, Any], work_id: UUID) -> Any:
    """登记分配的工作的结果：完成、无正当理由不做、有正当理由、撤回"""
    version = data.pop("version")
    answer = WorkAnswer(WorkState(data["state"]), data["on"], data["note"])
    with unit_of_work(db.session()) as session:
        return assigned_work_steps.answer(
            session, current_actor(), work_id, answer=answer, version=version, now=utc_now()
        )


@blp.get("/members/<uuid:member_id>/assigned-work", access=READERS)
@blp.arguments(PageQuery, location="query")
@blp.response(200, AssignedWorkPage)
def list_assigned_work_of_member(query: dict[str, Any], member_id: UUID) -> Any:
    """分配给一名党员的工作，新的在前"""
    page = assigned_work.list_of_member(
        db.session(), current_actor(), member_id, after=query.get("cursor"), limit=query["limit"]
    )
    return encode_page(page)


@blp.get("/orgs/<uuid:organization_id>/assigned-work", access=READERS)
@blp.arguments(AssignedWorkQuery, location="query")
@blp.response(200, AssignedWorkPage)
def list_assigned_work(query: dict[str, Any], organization_id: UUID) -> Any:
    """一个组织及其下级分配的工作，新的在前"""
    page = assigned_work.list_of_organization(
        db.session(),
        current_actor(),
        organization_id,
        states=(WorkState(query["state"]),) if query["state"] else UNDONE,
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page)


@blp.get("/me/assigned-work", access=Access.MEMBER)
@blp.arguments(PageQuery, location="query")
@blp.response(200, AssignedWorkPage)
def list_own_assigned_work(query: dict[str, Any]) -> Any:
    """组织分配给我的工作，新的在前"""
    page = assigned_work.list_own(
        db.session(), current_actor(), after=query.get("cursor"), limit=query["limit"]
    )
    return encode_page(page)


@blp.post("/me/assigned-work/<uuid:work_id>/word", access=Access.MEMBER)
@blp.arguments(OwnWordIn)
@blp.response(200, AssignedWorkOut)
def report_own_assigned_work(data: dict[str, Any], work_id: UUID) -> Any:
    """说明自己做了、或在做分配的工作；结果由支部负责人登记"""
    with unit_of_work(db.session()) as session:
        return assigned_work_steps.say(
            session, current_actor(), work_id, note=data["note"], now=utc_now()
        )
