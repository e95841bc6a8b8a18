"""Progress of work that was requested."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Identifier, Instant, OutSchema
from core import background

blp = Blueprint("jobs", __name__, description="后台任务")

_ID = "0198c0de-0000-7000-8000-000000000050"


class JobOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    kind = fields.String(metadata={"example": "roster.commit"})
    subject_id = Identifier(metadata={"example": _ID})
    state = fields.String(metadata={"example": "running"})
    done = fields.Integer(attribute="progress_done", metadata={"example": 500})
    total = fields.Integer(attribute="progress_total", allow_none=True, metadata={"example": 1200})
    error = fields.String(allow_none=True, metadata={"example": None})
    created_at = Instant(metadata={"example": "2026-11-07T12:00:00+08:00"})
    finished_at = Instant(allow_none=True, metadata={"example": None})


@blp.get("/jobs/<uuid:job_id>", access=Access.MEMBER)
@blp.response(200, JobOut)
def get_job(job_id: UUID) -> Any:
    """我发起的任务的进度"""
    return background.get_job(db.session(), current_actor().member_id, job_id)
