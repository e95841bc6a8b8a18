"""Reading requests strictly: one JSON value without duplicates, NaN or bottomless nesting."""

import json
import re
from typing import Any, NoReturn

import flask
import marshmallow as ma
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import MultiDict
from werkzeug.routing import UUIDConverter

from api.problems import Problem

DEPTH_MAX = 32
ITEMS_MAX = 10_000
# The closing quote is optional: a text without one is read once to the end. Looking for a quote
# that is not there, anew from every quote before it, would take time quadratic in the length.
_MARK_OR_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{},]', re.DOTALL)


class PathIdentifier(UUIDConverter):
    """A UUID in a path, in its one canonical spelling; two spellings would be two addresses."""

    regex = UUIDConverter.regex.replace("A-F", "")


class StrictParser(FlaskParser):
    """webargs, but unknown and repeated query parameters are refused like unknown fields."""

    __location_map__ = {**FlaskParser.__location_map__, "multipart": "load_multipart"}
    DEFAULT_UNKNOWN_BY_LOCATION = {
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": ma.RAISE,
        "querystring": ma.RAISE,
        "form": ma.RAISE,
        "files": ma.RAISE,
        "multipart": ma.RAISE,
    }

    def _raw_load_json(self, req: flask.Request) -> Any:
        if req.mimetype != "application/json":
            raise Problem(415, "request.media_type", "请求体应为 application/json。")
        return load_json(req.get_data(cache=True))

    def load_querystring(self, req: flask.Request, schema: ma.Schema) -> Any:
        require_single(req.args)
        return super().load_querystring(req, schema)

    def load_multipart(self, req: flask.Request, schema: ma.Schema) -> Any:
        """The fields and files of one form together."""
        if req.mimetype != "multipart/form-data":
            raise Problem(415, "request.media_type", "请求体应为 multipart/form-data。")
        parts: MultiDict[str, Any] = MultiDict(
            [*req.form.items(multi=True), *req.files.items(multi=True)]
        )
        require_single(parts)
        return parts.to_dict()

    def handle_error(self, error: ma.ValidationError, *args: Any, **kwargs: Any) -> NoReturn:
        raise error


def require_single(values: MultiDict[str, Any]) -> None:
    """Refuse a parameter given twice; which one would count is anybody's guess."""
    for name in values:
        if len(values.getlist(name)) > 1:
            raise ma.ValidationError({name: ["参数重复"]})


def load_json(body: bytes) -> Any:
    """Parse one JSON document.

    Raises:
        Problem: not UTF-8, not JSON, duplicate names, NaN or Infinity, deeper than 32 levels,
            more than 10,000 items, or a number of thousands of digits.
    """
    _require_small(body)
    try:
        text = body.decode("utf-8")
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "request.json", "请求体不是有效的 JSON。") from error


def _require_small(body: bytes) -> None:
    # The parser recurses, so the depth is bounded before it runs; every item costs a hundred
    # times its bytes once it is checked and refused. Strings are skipped because a bracket or a
    # comma inside one means nothing.
    depth = items = 0
    for token in _MARK_OR_STRING.finditer(body):
        mark = token.group()[:1]
        depth += (mark in b"[{") - (mark in b"]}")
        items += mark == b","
        if depth > DEPTH_MAX:
            raise Problem(400, "request.json", f"JSON 嵌套超过 {DEPTH_MAX} 层。")
        if items > ITEMS_MAX:
            raise Problem(400, "request.json", f"JSON 超过 {ITEMS_MAX} 项。")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("duplicate names")
    return values


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
