"""What an app asks before anything else: the time, what this deployment can do, its words."""

from collections.abc import Mapping
from typing import Any

import flask
from marshmallow import fields

from api import problems
from api.auth import Access
from api.blueprints import Blueprint
from api.dictionaries import DICTIONARIES
from api.feature_level import FEATURE_LEVEL
from api.fields import Instant, OutSchema
from api.ways_out import way_out
from core.clock import utc_now
from core.config import Settings
from core.data_classes import DATA_CLASSES

blp = Blueprint("meta", __name__, description="公共信息")

API_VERSION = "v1"
# Words change with a release only, and a tag tells whether they did.
_SHARED = {"Cache-Control": "public, max-age=300"}


class FeaturesOut(OutSchema):
    sms_sign_in = fields.Boolean(metadata={"example": True, "description": "可以用短信验证码登录"})
    wechat_sign_in = fields.Boolean(metadata={"example": False})
    channels = fields.List(
        fields.String(metadata={"example": "push"}),
        metadata={"description": "站外提醒已开通的渠道，站内消息总是有"},
    )
    id_numbers = fields.Boolean(metadata={"example": False, "description": "是否保存身份证号"})
    photo_store = fields.String(
        metadata={"example": "folder", "description": "folder s3：照片放在哪里"}
    )
    crypto_suite = fields.String(metadata={"example": "intl", "description": "intl gm"})
    demo = fields.Boolean(metadata={"example": False, "description": "演示数据，不会发出消息"})


class ServiceContactOut(OutSchema):
    service_phone = fields.String(metadata={"example": "029-87010000", "description": "没有即为空"})
    service_email = fields.String(metadata={"example": "", "description": "没有即为空"})


class LinksOut(OutSchema):
    documentation = fields.String(metadata={"example": "/docs"})
    openapi = fields.String(metadata={"example": "/openapi.json"})
    dictionaries = fields.String(metadata={"example": "/api/v1/meta/dictionaries"})
    errors = fields.String(metadata={"example": "/api/v1/meta/errors"})
    data_classes = fields.String(metadata={"example": "/api/v1/meta/data-classes"})


class MetaOut(OutSchema):
    server_time = Instant(
        metadata={"example": "2026-03-01T09:00:00+08:00", "description": "不计入 ETag"}
    )
    api_version = fields.String(metadata={"example": API_VERSION})
    feature_level = fields.Integer(
        metadata={"example": FEATURE_LEVEL, "description": "只升不降；见 docs/feature_levels.md"}
    )
    min_client = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={
            "example": {"android": "1.4.0"},
            "description": "平台和还能用的最低版本；应用用请求头 X-Client: 平台/版本 说明自己，"
            "更旧的答 426 client.upgrade_required，不带这个头的不受影响",
        },
    )
    features = fields.Nested(FeaturesOut)
    contacts = fields.Nested(ServiceContactOut, metadata={"description": "应用不好用时问谁"})
    links = fields.Nested(LinksOut)


class ErrorOut(OutSchema):
    code = fields.String(metadata={"example": "claim.duplicate"})
    status = fields.Integer(metadata={"example": 409})
    title = fields.String(metadata={"example": "这次服务已报过"})
    retry = fields.String(
        metadata={
            "example": "refresh",
            "description": "never refresh upgrade after（应答里为 after:秒数）",
        }
    )
    fix = fields.String(metadata={"example": "不用再报，原来的一条还在"})


class WordOut(OutSchema):
    value = fields.String(metadata={"example": "pending"})
    label = fields.String(metadata={"example": "待审核"})


class DictionariesOut(OutSchema):
    dictionaries = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.Nested(WordOut)),
        metadata={"example": {"claim_status": [{"value": "pending", "label": "待审核"}]}},
    )


class DataClassOut(OutSchema):
    code = fields.String(metadata={"example": "import_file"})
    title = fields.String(metadata={"example": "导入的原始名册和撤销数据（加密）"})
    days_max = fields.Integer(
        allow_none=True, metadata={"example": 7, "description": "最多保存几天；为空即没有固定期限"}
    )
    since = fields.String(metadata={"example": "导入提交"})
    ending = fields.String(metadata={"example": "删除文件和撤销数据"})
    source = fields.String(metadata={"example": "个人信息保护法第十九条"})


@blp.get("/meta", access=Access.PUBLIC)
@blp.response(200, MetaOut)
def get_meta() -> Any:
    """服务器时间、接口级别、最低应用版本、已开通的功能"""
    settings: Settings = flask.current_app.extensions["settings"]
    clients = settings.clients
    return {
        "server_time": utc_now(),
        "api_version": API_VERSION,
        "feature_level": FEATURE_LEVEL,
        "min_client": {str(platform): oldest for platform, oldest in clients.oldest.items()},
        "features": _features(settings),
        "contacts": clients,
        "links": {
            "documentation": flask.url_for("api-docs.openapi_swagger_ui"),
            "openapi": flask.url_for("api-docs.openapi_json"),
            "dictionaries": flask.url_for("meta.list_dictionaries"),
            "errors": flask.url_for("meta.list_errors"),
            "data_classes": flask.url_for("meta.list_data_classes"),
        },
    }


@blp.get("/meta/dictionaries", access=Access.PUBLIC)
@blp.response(200, DictionariesOut)
def list_dictionaries() -> Any:
    """应答里各种取值的中文；遇到不认识的值原样显示，以后可能增加"""
    words = {
        name: [{"value": value, "label": label} for value, label in one.labels.items()]
        for name, one in DICTIONARIES.items()
    }
    return {"dictionaries": words}, 200, _SHARED


@blp.get("/meta/errors", access=Access.PUBLIC)
@blp.response(200, ErrorOut(many=True))
def list_errors() -> Any:
    """全部错误代码，和遇到时怎么办"""
    return [row | {"fix": way_out(row)} for row in problems.catalogue()], 200, _SHARED


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


def _features(settings: Settings) -> Mapping[str, Any]:
    return {
        "sms_sign_in": settings.channels.sends_codes,
        "wechat_sign_in": bool(settings.wechat_appid),
        "channels": settings.channels.channels,
        "id_numbers": settings.vault.keeps_id_numbers,
        "photo_store": "folder" if settings.files_s3 is None else "s3",
        "crypto_suite": settings.vault.suite,
        "demo": settings.demo,
    }
