"""Every error as RFC 9457 problem details; the only place that knows HTTP statuses."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flask
import marshmallow as ma
import sqlalchemy.exc
import structlog
from flask_jwt_extended import JWTManager
from werkzeug.exceptions import HTTPException

from api import subrequests
from api.constraints import CONSTRAINTS, SQLITE_UNIQUE
from core.db import OutcomeUnknown
from core.errors import (
    Conflict,
    DomainError,
    FieldProblem,
    Forbidden,
    NotFound,
    RuleViolation,
    TooManyRequests,
    Unauthenticated,
    VersionConflict,
    all_error_classes,
)
from core.files import StoreUnavailable

log = structlog.get_logger(__name__)

# One status per family; a class never chooses its own.
_FAMILIES: tuple[tuple[type[DomainError], int], ...] = (
    (Unauthenticated, 401),
    (NotFound, 404),
    (Forbidden, 403),
    (Conflict, 409),
    (RuleViolation, 422),
    (TooManyRequests, 429),
)


@dataclass(frozen=True, slots=True)
class EdgeError:
    """A refusal that HTTP itself causes, before any domain code runs."""

    code: str
    status: int
    title: str
    retry: str = "never"


EDGE_ERRORS = {
    error.code: error
    for error in (
        EdgeError("request.json", 400, "请求内容无法读取"),
        EdgeError("request.malformed", 400, "请求格式不对"),
        EdgeError("idempotency.missing", 400, "缺少请求头 Idempotency-Key"),
        EdgeError("auth.required", 401, "请先登录", "refresh"),
        EdgeError("auth.token_expired", 401, "登录已过期", "refresh"),
        EdgeError("auth.token_invalid", 401, "登录凭证无效，请重新登录"),
        EdgeError("auth.session_revoked", 401, "登录已失效，请重新登录"),
        EdgeError(
            "auth.wechat_unavailable",
            503,
            "微信暂时没有应答，请稍后再试，或换一种登录方式",
            "after:5",
        ),
        EdgeError("auth.password_change_required", 403, "请先修改初始密码"),
        EdgeError(
            "auth.confirmation_required", 403, "请先输入密码或验证码，确认是您本人", "confirm"
        ),
        EdgeError("request.not_found", 404, "没有这个地址"),
        EdgeError("request.method", 405, "这个地址不支持该方法"),
        EdgeError("idempotency.in_progress", 409, "同一编号的请求正在处理", "after:1"),
        EdgeError("idempotency.settled", 409, "同一编号的请求已经处理过", "refresh"),
        EdgeError("sync.reset", 410, "本机数据需要重新下载", "refresh"),
        EdgeError("request.too_large", 413, "请求内容过大"),
        EdgeError("request.media_type", 415, "内容类型不支持"),
        EdgeError("validation", 422, "有内容需要修改"),
        EdgeError("idempotency.malformed", 422, "Idempotency-Key 应为 UUID"),
        EdgeError("idempotency.mismatch", 422, "同一编号已用于内容不同的请求"),
        EdgeError("outbox.not_offline", 422, "这个操作不能离线补交"),
        EdgeError("client.upgrade_required", 426, "请更新应用后再用", "upgrade"),
        EdgeError("request.too_many", 429, "请求太频繁，请稍后再试", "after:60"),
        EdgeError("server.error", 500, "系统出错了，请稍后再试", "after:5"),
        EdgeError("outcome_unknown", 503, "还不知道是否办成，请用同一编号重试", "after:2"),
        EdgeError("server.busy", 503, "系统繁忙，请稍后再试", "after:2"),
        EdgeError("server.migrating", 503, "系统正在升级，请稍后再试", "after:30"),
    )
}
_STATUS_CODES = {400: "request.malformed", 404: "request.not_found", 405: "request.method"}
_STATUS_CODES |= {413: "request.too_large", 415: "request.media_type", 422: "validation"}

# Enough for a person to work through; the sentence says how many there are.
_PROBLEMS_MAX = 50


class Problem(Exception):
    """A refusal by the edge itself; its code stands in EDGE_ERRORS."""

    def __init__(self, status: int, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.detail = status, code, detail


def catalogue() -> list[dict[str, Any]]:
    """Every code that this API can answer with: what `/meta/errors` and the document list."""
    rows = {
        error.code: _row(error.code, error.status, error.title, error.retry)
        for error in EDGE_ERRORS.values()
    }
    for code, status, title in CONSTRAINTS.values():
        rows[code] = _row(code, status, title, "refresh")
    for cls in all_error_classes():
        if cls is not DomainError:
            # How long to wait is known when it happens.
            retry = "after" if issubclass(cls, TooManyRequests) else cls.retry
            rows[cls.code] = _row(cls.code, status_of(cls), cls.title, retry)
    return [rows[code] for code in sorted(rows)]


def _row(code: str, status: int, title: str, retry: str) -> dict[str, Any]:
    return {"code": code, "status": status, "title": title, "retry": retry}


def status_of(cls: type[DomainError]) -> int:
    """The HTTP status of a family of domain errors."""
    return next(status for family, status in _FAMILIES if issubclass(cls, family))


def render(
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    retry: str = "never",
    more: Mapping[str, Any] | None = None,
) -> flask.Response:
    """One application/problem+json response, with those further members that have a value."""
    request_id = flask.g.get("request_id", "")
    flask.g.problem_code = code
    body: dict[str, Any] = {
        "type": f"/docs/problems#{code}",
        "code": code,
        "status": status,
        "title": title,
        "detail": detail,
        "retry": retry,
        "request_id": request_id,
    }
    body |= {name: value for name, value in (more or {}).items() if value}
    response = flask.jsonify(body)
    response.status_code = status
    response.mimetype = "application/problem+json"
    response.headers["Content-Language"] = "zh-CN"
    if retry.startswith("after:"):
        response.headers["Retry-After"] = retry.removeprefix("after:")
    return response


def register(app: flask.Flask, jwt: JWTManager) -> None:
    """Answer every error of this app with a problem document."""
    app.register_error_handler(DomainError, refused)
    app.register_error_handler(Problem, _edge)
    app.register_error_handler(ma.ValidationError, _validation)
    app.register_error_handler(sqlalchemy.exc.IntegrityError, _integrity)
    app.register_error_handler(sqlalchemy.exc.OperationalError, _operational)
    app.register_error_handler(StoreUnavailable, _no_store)
    app.register_error_handler(OutcomeUnknown, _outcome_unknown)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)
    _register_jwt(jwt)


def refused(error: DomainError) -> flask.Response:
    """The problem document of a refusal; a view that returns it keeps what it has written."""
    return render(
        status_of(type(error)),
        error.code,
        error.title,
        error.detail,
        retry=error.retry,
        more={
            "errors": _listed(error.problems),
            "current": _find_current() if isinstance(error, VersionConflict) else None,
        },
    )


def _listed(problems: Sequence[FieldProblem]) -> list[dict[str, Any]]:
    return [
        {"pointer": p.pointer, "code": p.code, "message": p.message, "params": p.params}
        for p in problems
    ]


def _find_current() -> Any:
    """The object whose version has moved on, if the caller may read it."""
    seen = subrequests.read_object()
    return seen.get_json() if seen is not None and seen.status_code == 200 else None


def edge_problem(code: str, detail: str = "") -> flask.Response:
    """The problem document of one catalogued edge error."""
    error = EDGE_ERRORS[code]
    return render(error.status, code, error.title, detail or error.title, retry=error.retry)


def _edge(error: Problem) -> flask.Response:
    return edge_problem(error.code, error.detail)


def _validation(error: ma.ValidationError) -> flask.Response:
    problems = _field_problems(error.messages, "")
    title = EDGE_ERRORS["validation"].title
    detail = f"有 {len(problems)} 处需要修改。"
    more = {"errors": _listed(problems[:_PROBLEMS_MAX])}
    return render(422, "validation", title, detail, more=more)


_NOT_A_FIELD = frozenset({"_schema", "json", "query", "files", "form", "multipart"})


def _field_problems(messages: Any, pointer: str) -> list[FieldProblem]:
    if isinstance(messages, dict):
        found: list[FieldProblem] = []
        for key, value in messages.items():
            # "_schema" speaks of the object as a whole; webargs adds the location on top.
            step = "" if key in _NOT_A_FIELD else _step(key)
            found += _field_problems(value, pointer + step)
        return found
    texts = messages if isinstance(messages, list) else [messages]
    return [FieldProblem(pointer, "invalid", _plain(text)) for text in texts]


def _step(key: Any) -> str:
    # RFC 6901 section 3: a name may itself hold the two characters that a pointer is made of.
    return "/" + _plain(key).replace("~", "~0").replace("/", "~1")


def _plain(value: Any) -> str:
    # A field name comes from the client and may hold what UTF-8 cannot carry.
    return str(value)[:200].encode("utf-8", "replace").decode()


def _integrity(error: sqlalchemy.exc.IntegrityError) -> flask.Response:
    name = constraint_name(error)
    if name not in CONSTRAINTS:
        return _unexpected(error)
    code, status, title = CONSTRAINTS[name]
    return render(status, code, title, title + "。", retry="refresh")


def constraint_name(error: sqlalchemy.exc.IntegrityError) -> str:
    """The name of the broken constraint, on either engine."""
    diagnostics = getattr(error.orig, "diag", None)
    if diagnostics is not None:
        return diagnostics.constraint_name or ""
    match = re.search(r"constraint failed: (.+)", str(error.orig))
    found = match.group(1) if match else ""
    return SQLITE_UNIQUE.get(found, found)


def _operational(error: sqlalchemy.exc.OperationalError) -> flask.Response:
    log.warning("database.unavailable", error=type(error.orig).__name__)
    return edge_problem("server.busy")


def _no_store(error: StoreUnavailable) -> flask.Response:
    log.warning("files.unavailable", error=str(error))
    return edge_problem("server.busy")


def _outcome_unknown(error: OutcomeUnknown) -> flask.Response:
    # Never "failed", and never tried again from here: only the client's key makes that safe.
    log.warning("database.outcome_unknown", error=type(error.__cause__).__name__)
    return edge_problem("outcome_unknown")


def _http(error: HTTPException) -> flask.Response:
    status = error.code or 500
    code = _STATUS_CODES.get(status, "request.malformed" if status < 500 else "server.error")
    edge = EDGE_ERRORS[code]
    response = render(status, code, edge.title, edge.title + "。", retry=edge.retry)
    # Allow, WWW-Authenticate and Retry-After belong to the answer whatever its body is.
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> flask.Response:
    # Only the type and the place: a message could hold what a member typed.
    log.error("request.failed", error=type(error).__name__, exc_info=flask.current_app.debug)
    return edge_problem("server.error")


def _register_jwt(jwt: JWTManager) -> None:
    jwt.unauthorized_loader(lambda _reason: edge_problem("auth.required"))
    jwt.invalid_token_loader(lambda _reason: edge_problem("auth.token_invalid"))
    jwt.expired_token_loader(lambda _header, _claims: edge_problem("auth.token_expired"))
    jwt.revoked_token_loader(lambda _header, _claims: edge_problem("auth.session_revoked"))
    jwt.needs_fresh_token_loader(lambda _header, _claims: edge_problem("auth.required"))
    jwt.user_lookup_error_loader(lambda _header, _claims: edge_problem("auth.session_revoked"))
    jwt.token_verification_failed_loader(
        lambda _header, _claims: edge_problem("auth.token_invalid")
    )
