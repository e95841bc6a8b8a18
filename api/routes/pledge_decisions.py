"""Pledges, the deciding side: approving, publishing, supervising, extending, ending."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from activities import pledge_reviews
from activities.pledge_meetings import Meeting
from activities.pledge_models import PledgeBody
from activities.pledge_reviews import Ruling
from activities.pledge_states import PledgeStep
from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Count, Day, Identifier, InSchema, OutSchema, Text, Version
from api.routes.pledge_records import PledgeDetailOut, shown_record
from api.routes.pledges import PledgeNoteIn
from core.clock import utc_now
from core.db import unit_of_work
from members.access import REVIEWING_ROLES

blp = Blueprint("pledge_decisions", __name__, description="承诺审核")

_ID = "0198c0de-0000-7000-8000-000000000080"
REVIEWERS = any_of(*REVIEWING_ROLES)


class VersionIn(InSchema):
    version = Version(metadata={"example": 2})


class ReasonIn(VersionIn):
    reason = Text(length_max=200, required=True, metadata={"example": "目标不够具体，请写明次数"})


class ExtensionIn(ReasonIn):
    due_on = Day(required=True, metadata={"example": "2027-03-31"})


class ApprovalIn(VersionIn):
    body = Choice(
        PledgeBody,
        metadata={
            "example": "general_meeting",
            "description": "省略即支委会；书记本人的承诺由上级党组织审核",
        },
    )
    meeting_on = Day(metadata={"example": "2026-03-10", "description": "党员大会审议的必填"})
    reference = Text(
        length_max=120,
        length_min=0,
        load_default="",
        metadata={"example": "党员大会记录〔2026〕1 号", "description": "党员大会审议的必填"},
    )


class PublishIn(InSchema):
    year = Count(minimum=2000, maximum=2100, required=True, metadata={"example": 2026})


class PublishedOut(OutSchema):
    pledge_ids = fields.List(Identifier(metadata={"example": _ID}))


@blp.post("/pledges/<uuid:pledge_id>/approve", access=REVIEWERS)
@blp.arguments(ApprovalIn)
@blp.response(200, PledgeDetailOut)
def approve_pledge(data: dict[str, Any], pledge_id: UUID) -> Any:
    """审核通过一项承诺或一次变更"""
    version = data.pop("version")
    with unit_of_work(db.session()) as session:
        pledge_reviews.approve(
            session,
            current_actor(),
            pledge_id,
            meeting=meeting_of(data),
            version=version,
            now=utc_now(),
        )
    return shown_record(pledge_id)


@blp.post("/pledges/<uuid:pledge_id>/return", access=REVIEWERS)
@blp.arguments(ReasonIn)
@blp.response(200, PledgeDetailOut)
def return_pledge(data: dict[str, Any], pledge_id: UUID) -> Any:
    """退回修改；变更被退回的，原承诺继续有效"""
    with unit_of_work(db.session()) as session:
        pledge_reviews.return_for_rewriting(
            session, current_actor(), pledge_id, ruling=Ruling(**data), now=utc_now()
        )
    return shown_record(pledge_id)


@blp.post("/pledges/<uuid:pledge_id>/publish", access=REVIEWERS)
@blp.arguments(VersionIn)
@blp.response(200, PledgeDetailOut)
def publish_pledge(data: dict[str, Any], pledge_id: UUID) -> Any:
    """公开一项已通过的承诺"""
    with unit_of_work(db.session()) as session:
        pledge_reviews.publish(
            session, current_actor(), pledge_id, version=data["version"], now=utc_now()
        )
    return shown_record(pledge_id)


@blp.post("/orgs/<uuid:organization_id>/pledges/publish", access=REVIEWERS)
@blp.arguments(PublishIn)
@blp.response(200, PublishedOut)
def publish_approved_pledges(data: dict[str, Any], organization_id: UUID) -> Any:
    """一次公开支部当年所有已通过的承诺"""
    with unit_of_work(db.session()) as session:
        pledge_ids = pledge_reviews.publish_approved(
            session, current_actor(), organization_id, year=data["year"], now=utc_now()
        )
    return {"pledge_ids": pledge_ids}


@blp.post("/pledges/<uuid:pledge_id>/supervise", access=REVIEWERS)
@blp.arguments(PledgeNoteIn)
@blp.response(200, PledgeDetailOut)
def supervise_pledge(data: dict[str, Any], pledge_id: UUID) -> Any:
    """记录支部的督促检查情况"""
    with unit_of_work(db.session()) as session:
        pledge_reviews.supervise(
            session, current_actor(), pledge_id, note=data["note"], now=utc_now()
        )
    return shown_record(pledge_id)


@blp.post("/pledges/<uuid:pledge_id>/extend", access=REVIEWERS)
@blp.arguments(ExtensionIn)
@blp.response(200, PledgeDetailOut)
def extend_pledge(data: dict[str, Any], pledge_id: UUID) -> Any:
    """延长完成时限"""
    due_on = data.pop("due_on")
    with unit_of_work(db.session()) as session:
        pledge_reviews.extend(
            session,
            current_actor(),
            pledge_id,
            due_on=due_on,
            ruling=Ruling(**data),
            now=utc_now(),
        )
    return shown_record(pledge_id)


def _decide(pledge_id: UUID, step: PledgeStep, data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work(db.session()) as session:
        pledge_reviews.decide(
            session, current_actor(), pledge_id, step=step, ruling=Ruling(**data), now=utc_now()
        )
    return shown_record(pledge_id)


@blp.post("/pledges/<uuid:pledge_id>/suspend", access=REVIEWERS)
@blp.arguments(ReasonIn)
@blp.response(200, PledgeDetailOut)
def suspend_pledge(data: dict[str, Any], pledge_id: UUID) -> Any:
    """暂缓一项承诺"""
    return _decide(pledge_id, PledgeStep.SUSPEND, data)


@blp.post("/pledges/<uuid:pledge_id>/resume", access=REVIEWERS)
@blp.arguments(VersionIn)
@blp.response(200, PledgeDetailOut)
def resume_pledge(data: dict[str, Any], pledge_id: UUID) -> Any:
    """恢复暂缓的承诺"""
    return _decide(pledge_id, PledgeStep.RESUME, data)


@blp.post("/pledges/<uuid:pledge_id>/excuse", access=REVIEWERS)
@blp.arguments(ReasonIn)
@blp.response(200, PledgeDetailOut)
def excuse_pledge(data: dict[str, Any], pledge_id: UUID) -> Any:
    """认定因客观原因未兑现；原因向群众公开"""
    return _decide(pledge_id, PledgeStep.EXCUSE, data)


@blp.post("/pledges/<uuid:pledge_id>/close", access=REVIEWERS)
@blp.arguments(VersionIn)
@blp.response(200, PledgeDetailOut)
def close_pledge(data: dict[str, Any], pledge_id: UUID) -> Any:
    """结束一项已评定的承诺，之后不再变动"""
    return _decide(pledge_id, PledgeStep.CLOSE, data)


def meeting_of(data: dict[str, Any]) -> Meeting:
    """The meeting that an input names."""
    body = data.get("body")
    return Meeting(PledgeBody(body) if body else None, data.get("meeting_on"), data["reference"])
