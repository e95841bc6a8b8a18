"""The blueprint of every resource: policy, strict input, documented examples and problems."""

from collections.abc import Callable
from typing import Any, cast

import flask
import flask_smorest
import marshmallow as ma
from marshmallow import fields

from api.auth import Access, Policy, guard
from api.clients import OPEN_BLUEPRINTS
from api.idempotency import NEEDS_KEY, PARAMETER_NAME, Retry, once
from api.parsing import StrictParser

_PROBLEM_NAMES = {304: "NOT_MODIFIED", 400: "BAD_REQUEST", 401: "UNAUTHORIZED"}
_PROBLEM_NAMES |= {403: "FORBIDDEN", 404: "NOT_FOUND"}
_PROBLEM_NAMES |= {409: "CONFLICT", 413: "REQUEST_ENTITY_TOO_LARGE", 415: "UNSUPPORTED_MEDIA_TYPE"}
_PROBLEM_NAMES |= {422: "UNPROCESSABLE_ENTITY", 426: "UPGRADE_REQUIRED", 429: "TOO_MANY_REQUESTS"}
_PROBLEM_NAMES |= {503: "SERVICE_UNAVAILABLE"}
_ASKS_CONFIRMATION = {
    "description": "须在最近几分钟内在这台手机上输入过密码或验证码，否则答 403 "
    "`auth.confirmation_required`：先 `POST /auth/sessions/current/confirmation`，再原样重发。",
    "x-asks-confirmation": True,
}


class Blueprint(flask_smorest.Blueprint):
    """A resource. `access` is required on each route, so that no operation is open by mistake."""

    ARGUMENTS_PARSER = StrictParser()
    DEFAULT_LOCATION_CONTENT_TYPE_MAPPING = {
        **flask_smorest.Blueprint.DEFAULT_LOCATION_CONTENT_TYPE_MAPPING,
        "multipart": "multipart/form-data",
    }

    def route(
        self,
        rule: str,
        *,
        access: Policy,
        methods: list[str],
        retry: Retry | None = None,
        asks_confirmation: bool = False,
        **options: Any,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register one operation; the view's name is its operationId, its docstring the summary.

        A POST needs an `Idempotency-Key` unless `retry` says why it is safe without. With
        `asks_confirmation` the caller must have shown lately that it is he.
        """
        has_member = access is not Access.PUBLIC
        if retry is None and methods == ["POST"]:
            retry = Retry.KEYED if has_member else Retry.NO_MEMBER
        if retry in NEEDS_KEY and not has_member:
            raise ValueError(f"{rule}: there is no member to whom a key could belong")

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            documented = self._document(view, access, rule, methods[0])
            if asks_confirmation:
                documented = self.doc(**_ASKS_CONFIRMATION)(documented)
            if retry in NEEDS_KEY:
                documented = _keyed(documented, retry)
            stern = _refusing_strays(documented)
            guarded = guard(stern, access, asks_confirmation=asks_confirmation)
            guarded.__dict__["retry"] = retry
            self.add_url_rule(rule, None, guarded, methods=methods, **options)
            return guarded

        return decorate

    def arguments(self, schema: Any, *, location: str = "json", **kwargs: Any) -> Any:
        """Input schema; its documented example is put together from its fields' examples."""
        if location == "json":
            kwargs.setdefault("example", example_of(schema))
        return super().arguments(schema, location=location, **kwargs)

    def response(self, status_code: int, schema: Any = None, **kwargs: Any) -> Any:
        """Output schema; its documented example is put together from its fields' examples."""
        if schema is not None and not isinstance(schema, dict):
            kwargs.setdefault("example", example_of(schema))
        return super().response(status_code, schema, **kwargs)

    def _document(
        self, view: Callable[..., Any], access: Policy, rule: str, method: str
    ) -> Callable[..., Any]:
        statuses = {400, 422, 429, 503}
        if self.name not in OPEN_BLUEPRINTS:
            statuses.add(426)
        if method == "GET":
            statuses.add(304)
        if method != "GET":
            statuses |= {409, 413, 415}
        if access is not Access.PUBLIC:
            statuses |= {401, 403}
        # A body may name what is not there, or is out of scope.
        if "<" in rule or isinstance(access, frozenset) or (401 in statuses and method != "GET"):
            statuses.add(404)
        security: dict[str, Any] = {"security": []} if access is Access.PUBLIC else {}
        documented: Any = self.doc(operationId=view.__name__, **security)(view)
        # What `alt_response` does, without a wrapper around the view and a deep copy of the
        # document for each of eight statuses: that was a third of the time that a start takes.
        responses = documented._apidoc.setdefault("response", {}).setdefault("responses", {})
        for status in sorted(statuses):
            responses.setdefault(status, []).append(_PROBLEM_NAMES[status])
        return cast(Callable[..., Any], documented)


def _keyed(view: Callable[..., Any], retry: Retry) -> Callable[..., Any]:
    arguments = view.__dict__["_apidoc"].setdefault("arguments", {})
    arguments.setdefault("parameters", []).append(PARAMETER_NAME)
    return once(view, view.__name__, retry)


def _refusing_strays(view: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse query parameters and bodies that the operation does not read.

    Silently ignoring them would let a mistyped filter return everything.
    """
    parameters = view.__dict__.get("_apidoc", {}).get("arguments", {}).get("parameters", [])
    # A parameter that many operations share stands here by its name; it is a header.
    locations = {parameter["in"] for parameter in parameters if not isinstance(parameter, str)}

    def strict(*args: Any, **kwargs: Any) -> Any:
        if flask.request.args and "query" not in locations:
            raise ma.ValidationError({name: ["没有这个参数"] for name in flask.request.args})
        if not locations & {"json", "files", "form", "multipart"} and _has_body():
            raise ma.ValidationError({"_schema": ["这个操作不接收请求体"]})
        return view(*args, **kwargs)

    strict.__name__, strict.__doc__ = view.__name__, view.__doc__
    strict.__dict__.update(view.__dict__)
    return strict


def _has_body() -> bool:
    # A body of known length need not be read to be refused. An empty object is what some
    # clients send with every POST; it says nothing, so it is no body.
    length = flask.request.content_length
    if length is not None and length > len(b"{}"):
        return True
    return flask.request.get_data() not in (b"", b"{}")


def example_of(schema: Any) -> Any:
    """An example of a schema, put together from the examples in its fields' metadata."""
    instance = schema() if isinstance(schema, type) else schema
    example = {
        field.data_key or name: _field_example(field)
        for name, field in instance.fields.items()
        if not (field.load_only and field.dump_only)
    }
    return [example] if instance.many else example


def _field_example(field: ma.fields.Field[Any]) -> Any:
    if "example" in field.metadata:
        return field.metadata["example"]
    if isinstance(field, fields.Nested):
        inner = example_of(field.schema)
        return [inner] if field.many and not isinstance(inner, list) else inner
    if isinstance(field, fields.List):
        return [_field_example(field.inner)]
    raise LookupError(f"field {field.name!r} of {field.parent!r} has no example")
