"""Probes: whether the process lives, and whether it can work."""

from typing import Any

from marshmallow import fields

from api.auth import Access
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import OutSchema
from api.problems import Problem
from core import alerts, job_records, schema_revision
from core.clock import utc_now

# No jobs process has ever run on this database.
NOT_STARTED = "jobs_not_started"

blp = Blueprint("system", __name__, description="探针")


class HealthOut(OutSchema):
    ok = fields.Boolean(metadata={"example": True})


class JobHealthOut(OutSchema):
    name = fields.String(metadata={"example": "deliver-inbox"})
    lateness_seconds = fields.Integer(metadata={"example": 0})
    is_late = fields.Boolean(metadata={"example": False})


class ReadinessOut(HealthOut):
    jobs = fields.List(fields.Nested(JobHealthOut), metadata={"description": "后台任务迟了多久"})
    alerts = fields.List(
        fields.String(), metadata={"example": [], "description": "等待运维人员处理的告警代码"}
    )


@blp.get("/healthz", access=Access.PUBLIC)
@blp.response(200, HealthOut)
def get_health() -> Any:
    """进程是否存活"""
    return {"ok": True}


@blp.get("/readyz", access=Access.PUBLIC)
@blp.response(200, ReadinessOut)
def get_readiness() -> Any:
    """数据库是否可用、是否已升级，后台任务是否按时"""
    if schema_revision.is_behind(db.session()):
        raise Problem(503, "server.migrating")
    # A late job is no reason to take this server out of service: it answers all the same.
    now = utc_now()
    standings = job_records.list_standings(db.session())
    jobs = [
        {
            "name": one.name,
            "lateness_seconds": int(one.lateness(now).total_seconds()),
            "is_late": one.is_late(now),
        }
        for one in standings
    ]
    found = [alert.code for alert in alerts.list_standing(db.session())]
    return {"ok": True, "jobs": jobs, "alerts": found if standings else [NOT_STARTED, *found]}
