"""The OpenAPI 3.1 document and the Swagger UI that shows it, with no outside address."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apispec
import flask
import flask_smorest
import flask_swagger_ui
from flask_smorest.spec import openapi_cli
from marshmallow import fields
from werkzeug.wrappers import Response

from api import fields as strict
from api import problem_responses, problems
from api.auth import Access, guard
from api.blueprints import Blueprint
from api.fields import OutSchema
from api.idempotency import PARAMETER, PARAMETER_NAME
from api.paging import Cursor
from api.ways_out import way_out

PREFIX = "/api/v1"
UI_PATH = "/docs/ui"
_UI_FILES = Path(flask_swagger_ui.__file__).parent / "dist"
_PROBLEM_PAGE = Path("docs/problems.md")
_PROBLEM_PAGE_TOP = """# 错误代码

错误一律为 `application/problem+json`（RFC 9457）。程序看 `code` 和 `retry`，人看 `title` 和
`detail`，`errors` 逐项指出有问题的字段。本页由 `flask --app wsgi problems write` 生成。

| 代码 | 状态 | 含义 | 怎么办 |
|---|---|---|---|
"""
CONFIG = {
    "API_TITLE": "Party Points API（智慧党建积分）",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.0",
    "OPENAPI_URL_PREFIX": "/",
    "OPENAPI_JSON_PATH": "openapi.json",
    "OPENAPI_SWAGGER_UI_PATH": "/docs",
    "OPENAPI_SWAGGER_UI_URL": UI_PATH + "/",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": "承诺践诺、志愿服务、主题党日的积分记账。错误一律为 RFC 9457 "
            "problem+json；积分与小时以十进制文本表示；时间带时区。GET 的应答带强 ETag，再读时用 "
            "If-None-Match，没有变化答 304；重发 POST 用同一个 Idempotency-Key。"
            "每位党员每分钟 600 次、每个网络地址每分钟 6000 次请求（每个进程分别计数，304 不计），"
            "超过即 429 和 Retry-After。"
        },
        "security": [{"bearer": []}],
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            }
        },
    },
}


class FieldProblemOut(OutSchema):
    """One wrong field."""

    pointer = fields.String(metadata={"example": "/claimed_minutes"})
    code = fields.String(metadata={"example": "invalid"})
    message = fields.String(metadata={"example": "应在 1 与 1440 之间"})
    params = fields.Dict(metadata={"example": {}})


class ProblemOut(OutSchema):
    """RFC 9457 problem details."""

    type = fields.String(metadata={"example": "/docs/problems#validation"})
    code = fields.String(metadata={"example": "validation"})
    status = fields.Integer(metadata={"example": 422})
    title = fields.String(metadata={"example": "有内容需要修改"})
    detail = fields.String(metadata={"example": "有 1 处需要修改。"})
    retry = fields.String(metadata={"example": "never"})
    request_id = fields.String(metadata={"example": "k7m2p9qd"})
    errors = fields.List(fields.Nested(FieldProblemOut), metadata={"optional": True})
    current = fields.Dict(
        metadata={
            "optional": True,
            "description": "conflict.version 时对象现在的样子；同其 GET 应答",
        }
    )


class Api(flask_smorest.Api):
    """smorest, with errors documented as what they are: problem details."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self) -> None:
        self._undescribed: list[Blueprint] = []
        self._describing = threading.RLock()
        super().__init__(spec_kwargs={"extra_plugins": [problem_responses.ProblemCodes()]})

    @property
    def spec(self) -> apispec.APISpec:
        """The document. Describing what an app serves takes longer than building the app, and
        few processes are ever asked for it; so it waits for the first who is."""
        with self._describing:
            while self._undescribed:
                blueprint = self._undescribed.pop(0)
                name = blueprint.name
                blueprint.register_views_in_doc(
                    self, self._app, self._spec, name=name, parameters=None
                )
                self._spec.tag({"name": name, "description": blueprint.description})
            return self._spec

    @spec.setter
    def spec(self, spec: apispec.APISpec) -> None:
        self._spec = spec

    def register_blueprint(self, blp: Blueprint, **options: Any) -> None:
        """Register the routes of a resource."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp, **options)
        self._undescribed.append(blp)

    def _register_responses(self) -> None:
        # Those that operations share are put there by the plugin.
        self._spec.components.schema("ProblemOut", schema=ProblemOut)

    def _register_error_handlers(self) -> None:
        """`api.problems` answers errors."""


def register(app: flask.Flask, blueprints: Sequence[Blueprint]) -> None:
    """Register the resources, their document and the page that shows it."""
    api = Api()
    for field, shape in (
        (strict.Identifier, ("string", "uuid")),
        (strict.Day, ("string", "date")),
        (strict.Instant, ("string", "date-time")),
        (strict.PointsText, ("string", None)),
        (strict.Count, ("integer", None)),
        (strict.QueryCount, ("integer", None)),
        (Cursor, ("string", None)),
    ):
        api.register_field(field, *shape)
    api.init_app(app)
    api.spec.components.parameter(PARAMETER_NAME, "header", PARAMETER)
    for blueprint in blueprints:
        api.register_blueprint(blueprint, url_prefix=PREFIX)
    app.add_url_rule(f"{UI_PATH}/<path:name>", "swagger_files", _ui_file)
    app.add_url_rule("/docs/problems", "problem_page", _problem_page)
    app.cli.add_command(problems_cli)
    _open_pages(app)


def _ui_file(name: str) -> Response:
    return flask.send_from_directory(_UI_FILES, name, max_age=86_400)


def _problem_page() -> Response:
    return flask.Response(problem_page(), content_type="text/markdown; charset=utf-8")


def _open_pages(app: flask.Flask) -> None:
    """The document and its page are public; like any route they must say so."""
    cached: dict[str, str] = {}
    build = app.view_functions["api-docs.openapi_json"]

    def openapi_json() -> Response:
        # Building takes milliseconds per operation and the answer never changes.
        if not cached:
            cached["body"] = flask.make_response(build()).get_data(as_text=True)
        return flask.Response(cached["body"], mimetype="application/json")

    app.view_functions["api-docs.openapi_json"] = openapi_json
    pages = ("api-docs.openapi_json", "api-docs.openapi_swagger_ui")
    for endpoint in (*pages, "swagger_files", "problem_page"):
        app.view_functions[endpoint] = guard(app.view_functions[endpoint], Access.PUBLIC)


@openapi_cli.command("check")
def check_document() -> None:
    """Exit 1 unless docs/openapi.json is what the routes say."""
    client = flask.current_app.test_client()
    served = client.get("/openapi.json").get_data(as_text=True)
    if Path("docs/openapi.json").read_text(encoding="utf-8").strip() != served.strip():
        raise SystemExit(
            "docs/openapi.json 已过时：flask --app wsgi openapi write docs/openapi.json"
        )


def problem_page() -> str:
    """docs/problems.md: every code with its status, meaning and way out."""
    rows = [
        f'| <a id="{row["code"]}"></a>`{row["code"]}` | {row["status"]} | {row["title"]} '
        f"| {way_out(row)} |\n"
        for row in problems.catalogue()
    ]
    return _PROBLEM_PAGE_TOP + "".join(rows)


problems_cli = flask.cli.AppGroup("problems", help="错误代码表 docs/problems.md。")


@problems_cli.command("write")
def write_problem_page() -> None:
    """Write docs/problems.md from the catalogue, and the codes of each operation from the code."""
    _PROBLEM_PAGE.write_text(problem_page(), encoding="utf-8")
    problem_responses.FILE.write_text(_codes_found(), encoding="utf-8")


@problems_cli.command("check")
def check_problem_page() -> None:
    """Exit 1 unless docs/problems.md and the codes of each operation are what the code says."""
    for path, found in ((_PROBLEM_PAGE, problem_page()), (problem_responses.FILE, _codes_found())):
        if path.read_text(encoding="utf-8") != found:
            raise SystemExit(f"{path} 已过时：flask --app wsgi problems write")


def _codes_found() -> str:
    # Only whoever asks for the list pays for reading the whole program.
    from api.cli.problem_codes import find_codes

    found = find_codes(flask.current_app)
    lines = (f"  {json.dumps(name)}: {json.dumps(codes)}" for name, codes in sorted(found.items()))
    return "{\n" + ",\n".join(lines) + "\n}\n"
