"""Probes, server time and the error catalogue."""

from typing import Any

import sqlalchemy as sa
from marshmallow import fields

from api import problems
from api.auth import Access
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Instant, OutSchema
from core.clock import utc_now

blp = Blueprint("system", __name__, description="探针与公共信息")


class HealthOut(OutSchema):
    ok = fields.Boolean(metadata={"example": True})


class MetaOut(OutSchema):
    server_time = Instant(metadata={"example": "2026-03-01T09:00:00+08:00"})
    feature_level = fields.Integer(metadata={"example": 1})


class ErrorOut(OutSchema):
    code = fields.String(metadata={"example": "claim.duplicate"})
    status = fields.Integer(metadata={"example": 409})
    title = fields.String(metadata={"example": "这次服务已报过"})


@blp.get("/healthz", access=Access.PUBLIC)
@blp.response(200, HealthOut)
def get_health() -> Any:
    """进程是否存活"""
    return {"ok": True}


@blp.get("/readyz", access=Access.PUBLIC)
@blp.response(200, HealthOut)
def get_readiness() -> Any:
    """数据库是否可用"""
    db.session.execute(sa.text("SELECT 1"))
    return {"ok": True}


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
