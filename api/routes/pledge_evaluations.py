"""Evaluating pledges: one, all that a meeting graded, and what was not kept."""

from typing import Any
from uuid import UUID

import marshmallow as ma
from marshmallow import fields, validate

from activities import pledge_evaluations
from activities.pledge_evaluations import GRADINGS_MAX, Result
from activities.pledge_meetings import Grading
from activities.pledge_models import PledgeBody
from api.auth import current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import (
    Choice,
    Day,
    Identifier,
    InSchema,
    OutSchema,
    PointsText,
    Text,
    Version,
)
from api.routes.pledge_decisions import REVIEWERS, meeting_of
from api.routes.pledge_records import PledgeDetailOut, shown_record
from core.clock import utc_now
from core.db import unit_of_work

blp = Blueprint("pledge_evaluations", __name__, description="承诺评定")

_ID = "0198c0de-0000-7000-8000-000000000080"


class EvaluatingMeetingIn(InSchema):
    body = Choice(PledgeBody, required=True, metadata={"example": "general_meeting"})
    meeting_on = Day(required=True, metadata={"example": "2026-11-09"})
    reference = Text(
        length_max=120, required=True, metadata={"example": "党员大会记录〔2026〕4 号"}
    )


class UnfulfilledIn(EvaluatingMeetingIn):
    grade = Text(length_max=20, required=True, metadata={"example": "差"})
    reason = Text(length_max=200, required=True, metadata={"example": "全年没有开展"})
    version = Version(metadata={"example": 5})


class RatingsIn(InSchema):
    member_rating = Text(length_max=20, required=True, metadata={"example": "优"})
    masses_rating = Text(length_max=20, required=True, metadata={"example": "优"})
    organization_rating = Text(length_max=20, required=True, metadata={"example": "良"})
    grade = Text(length_max=20, required=True, metadata={"example": "优"})
    reason = Text(
        length_max=200,
        length_min=0,
        load_default="",
        metadata={"example": "", "description": "重新评定的必填"},
    )
    version = Version(metadata={"example": 5})


class EvaluationIn(EvaluatingMeetingIn, RatingsIn):
    pass


class GradingIn(RatingsIn):
    id = Identifier(required=True, metadata={"example": _ID})


class EvaluationsIn(EvaluatingMeetingIn):
    gradings = fields.List(
        fields.Nested(GradingIn),
        required=True,
        validate=validate.Length(1, GRADINGS_MAX, error=f"每次 1 至 {GRADINGS_MAX} 项"),
    )

    @ma.validates_schema
    def _require_each_once(self, data: dict[str, Any], **_kwargs: Any) -> None:
        ids = [grading["id"] for grading in data["gradings"]]
        if len(set(ids)) != len(ids):
            raise ma.ValidationError("同一项承诺出现了两次", "gradings")


class GradingResultOut(OutSchema):
    pledge_id = Identifier(metadata={"example": _ID})
    outcome = fields.String(metadata={"example": "evaluated", "description": "evaluated refused"})
    code = fields.String(metadata={"example": ""})
    message = fields.String(metadata={"example": ""})
    points = PointsText(allow_none=True, metadata={"example": "6"})
    entry_id = Identifier(allow_none=True, metadata={"example": _ID})


class EvaluationsOut(OutSchema):
    results = fields.List(fields.Nested(GradingResultOut))


@blp.post("/pledges/<uuid:pledge_id>/evaluate", access=REVIEWERS)
@blp.arguments(EvaluationIn)
@blp.response(200, PledgeDetailOut)
def evaluate_pledge(data: dict[str, Any], pledge_id: UUID) -> Any:
    """评定一项承诺并计分；再次评定即更正"""
    return _evaluate(pledge_id, data)


@blp.post("/pledges/<uuid:pledge_id>/find-unfulfilled", access=REVIEWERS)
@blp.arguments(UnfulfilledIn)
@blp.response(200, PledgeDetailOut)
def find_pledge_unfulfilled(data: dict[str, Any], pledge_id: UUID) -> Any:
    """认定一项承诺未兑现"""
    return _evaluate(pledge_id, data | {"is_fulfilled": False})


@blp.post("/pledges/evaluate", access=REVIEWERS)
@blp.arguments(EvaluationsIn)
@blp.response(200, EvaluationsOut)
def evaluate_pledges(data: dict[str, Any]) -> Any:
    """一次会议评定多项承诺，逐项给出结果"""
    gradings = [Grading(one.pop("id"), **one) for one in data.pop("gradings")]
    with unit_of_work(db.session()) as session:
        results = pledge_evaluations.evaluate_all(
            session, current_actor(), gradings, meeting=meeting_of(data), now=utc_now()
        )
    return {"results": [_shown_result(one) for one in results]}


def _evaluate(pledge_id: UUID, data: dict[str, Any]) -> dict[str, Any]:
    meeting = meeting_of({name: data.pop(name) for name in ("body", "meeting_on", "reference")})
    with unit_of_work(db.session()) as session:
        pledge_evaluations.evaluate(
            session,
            current_actor(),
            Grading(pledge_id, **data),
            meeting=meeting,
            now=utc_now(),
        )
    return shown_record(pledge_id)


def _shown_result(result: Result) -> dict[str, Any]:
    refusal, credited = result.refusal, result.credited
    if credited is None or refusal is not None:
        told = (refusal.code, refusal.detail) if refusal else ("", "")
        shown = {"outcome": "refused", "code": told[0], "message": told[1]}
        return shown | {"pledge_id": result.pledge_id, "points": None, "entry_id": None}
    return {
        "pledge_id": result.pledge_id,
        "outcome": result.status,
        "code": "",
        "message": credited.note,
        "points": credited.points,
        "entry_id": credited.entry_id,
    }
