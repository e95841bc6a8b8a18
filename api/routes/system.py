"""Probes, server time and the error catalogue."""

from typing import Any

from marshmallow import fields

from api import problems
from api.auth import Access
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Instant, OutSchema
from api.problems import Problem
from core import alerts, job_records, schema_revision
from core.clock import utc_now
from core.data_classes import DATA_CLASSES

# No jobs process has ever run on this database.
NOT_STARTED = "jobs_not_started"

blp = Blueprint("system", __name__, description="探针与公共信息")


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


class MetaOut(OutSchema):
    server_time = Instant(metadata={"example": "2026-03-01T09:00:00+08:00"})
    feature_level = fields.Integer(metadata={"example": 1})


class ErrorOut(OutSchema):
    code = fields.String(metadata={"example": "claim.duplicate"})
    status = fields.Integer(metadata={"example": 409})
    title = fields.String(metadata={"example": "这次服务已报过"})


class DataClassOut(OutSchema):
    code = fields.String(metadata={"example": "import_file"})
    title = fields.String(metadata={"example": "导入的原始名册和撤销数据（加密）"})
    days_max = fields.Integer(
        allow_none=True, metadata={"example": 7, "description": "最多保存几天；为空即没有固定期限"}
    )
    since = fields.String(metadata={"example": "导入提交"})
    ending = fields.String(metadata={"example": "删除文件和撤销数据"})
    source = fields.String(metadata={"example": "个人信息保护法第十九条"})


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


@blp.get("/meta", access=Access.PUBLIC)
@blp.response(200, MetaOut)
def get_meta() -> Any:
    """服务器时间与接口级别"""
    return {"server_time": utc_now(), "feature_level": 1}


@blp.get("/meta/errors", access=Access.PUBLIC)
@blp.response(200, ErrorOut(many=True))
def list_errors() -> Any:
    """全部错误代码"""
    return problems.catalogue()


@blp.get("/meta/data-classes", access=Access.PUBLIC)
@blp.response(200, DataClassOut(many=True))
def list_data_classes() -> Any:
    """保存哪些个人信息、保存多久、如何删除"""
    return [
        {
            "code": one.code,
            "title": one.title,
            "days_max": one.term.days if one.term is not None else None,
            "since": one.since,
            "ending": one.ending,
            "source": one.source,
        }
        for one in DATA_CLASSES
    ]
