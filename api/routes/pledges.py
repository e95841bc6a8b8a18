"""Pledges, the member's side: writing, sending in, amending, progress, reporting."""

from typing import Any
from uuid import UUID

from activities import pledges
from activities.pledge_models import PledgeCategory, PledgeKind
from activities.pledge_rules import Amendment, NewPledge, PledgeWords
from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Count, Day, Identifier, InSchema, Text, Version
from api.routes.pledge_records import PledgeDetailOut, shown_record
from core.clock import utc_now
from core.db import unit_of_work

blp = Blueprint("pledges", __name__, description="承诺践诺")

_ID = "0198c0de-0000-7000-8000-000000000080"


class PledgeWordsIn(InSchema):
    category = Choice(PledgeCategory, required=True, metadata={"example": "service"})
    title = Text(length_max=100, required=True, metadata={"example": "帮扶社区独居老人"})
    content = Text(
        length_max=1000,
        lines=True,
        required=True,
        metadata={"example": "每月上门看望社区独居老人，帮助打扫卫生、代买药品。"},
    )
    target = Text(length_max=200, required=True, metadata={"example": "全年上门 12 次以上"})
    beneficiary = Text(
        length_max=120,
        length_min=0,
        load_default="",
        metadata={"example": "社区独居老人", "description": "只写群体，不写群众个人信息"},
    )
    post = Text(
        length_max=60,
        length_min=0,
        load_default="",
        metadata={"example": "政策宣传岗", "description": "设岗定责的岗位"},
    )


class PledgeIn(PledgeWordsIn):
    member_id = Identifier(
        metadata={"example": _ID, "description": "代无手机的党员录入时填写；省略即本人"}
    )
    year = Count(minimum=2000, maximum=2100, required=True, metadata={"example": 2026})
    kind = Choice(PledgeKind, required=True, metadata={"example": "annual_pledge"})
    due_on = Day(required=True, metadata={"example": "2026-12-20"})


class PledgeEditIn(PledgeWordsIn):
    due_on = Day(required=True, metadata={"example": "2026-12-20"})
    version = Version(metadata={"example": 1})


class PledgeAmendmentIn(PledgeWordsIn):
    reason = Text(length_max=200, required=True, metadata={"example": "服务对象增加"})
    version = Version(metadata={"example": 5})


class PledgeNoteIn(InSchema):
    note = Text(
        length_max=500, lines=True, required=True, metadata={"example": "本月上门两次，代买药品。"}
    )


@blp.post("/pledges", access=Access.MEMBER)
@blp.arguments(PledgeIn)
@blp.response(201, PledgeDetailOut)
def create_pledge(data: dict[str, Any]) -> Any:
    """写一项承诺，存为草稿"""
    actor = current_actor()
    member_id = data.pop("member_id", actor.member_id)
    new = NewPledge(data.pop("year"), PledgeKind(data.pop("kind")), PledgeWords(**data))
    with unit_of_work(db.session()) as session:
        pledge_id = pledges.create(session, actor, member_id, new=new, now=utc_now())
    return shown_record(pledge_id)


@blp.put("/pledges/<uuid:pledge_id>", access=Access.MEMBER)
@blp.arguments(PledgeEditIn)
@blp.response(200, PledgeDetailOut)
def edit_pledge(data: dict[str, Any], pledge_id: UUID) -> Any:
    """修改草稿或被退回的承诺"""
    version = data.pop("version")
    with unit_of_work(db.session()) as session:
        pledges.edit(
            session,
            current_actor(),
            pledge_id,
            words=PledgeWords(**data),
            version=version,
            now=utc_now(),
        )
    return shown_record(pledge_id)


@blp.post("/pledges/<uuid:pledge_id>/submit", access=Access.MEMBER)
@blp.response(200, PledgeDetailOut)
def submit_pledge(pledge_id: UUID) -> Any:
    """提交审核"""
    with unit_of_work(db.session()) as session:
        pledges.submit(session, current_actor(), pledge_id, now=utc_now())
    return shown_record(pledge_id)


@blp.post("/pledges/<uuid:pledge_id>/withdraw", access=Access.MEMBER)
@blp.response(200, PledgeDetailOut)
def withdraw_pledge(pledge_id: UUID) -> Any:
    """撤回：待审核的退回草稿，变更的不再提出，草稿和被退回的作废"""
    with unit_of_work(db.session()) as session:
        pledges.withdraw(session, current_actor(), pledge_id, now=utc_now())
    return shown_record(pledge_id)


@blp.post("/pledges/<uuid:pledge_id>/amend", access=Access.MEMBER)
@blp.arguments(PledgeAmendmentIn)
@blp.response(200, PledgeDetailOut)
def amend_pledge(data: dict[str, Any], pledge_id: UUID) -> Any:
    """提出变更；审核通过前原承诺继续有效"""
    version = data.pop("version")
    with unit_of_work(db.session()) as session:
        pledges.amend(
            session,
            current_actor(),
            pledge_id,
            amendment=Amendment(**data),
            version=version,
            now=utc_now(),
        )
    return shown_record(pledge_id)


@blp.post("/pledges/<uuid:pledge_id>/note-progress", access=Access.MEMBER)
@blp.arguments(PledgeNoteIn)
@blp.response(200, PledgeDetailOut)
def note_pledge_progress(data: dict[str, Any], pledge_id: UUID) -> Any:
    """记录进展"""
    with unit_of_work(db.session()) as session:
        pledges.note_progress(session, current_actor(), pledge_id, note=data["note"], now=utc_now())
    return shown_record(pledge_id)


@blp.post("/pledges/<uuid:pledge_id>/report-fulfilment", access=Access.MEMBER)
@blp.arguments(PledgeNoteIn)
@blp.response(200, PledgeDetailOut)
def report_pledge_fulfilment(data: dict[str, Any], pledge_id: UUID) -> Any:
    """报告完成；评定后才计分"""
    with unit_of_work(db.session()) as session:
        pledges.report_fulfilment(
            session, current_actor(), pledge_id, note=data["note"], now=utc_now()
        )
    return shown_record(pledge_id)
