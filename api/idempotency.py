"""Repeating a request safely: one effect for each `Idempotency-Key`, and its answer once more."""

import enum
import functools
import hashlib
import json
import random
import re
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import flask
import sqlalchemy.exc
from sqlalchemy.orm import Session

from api import subrequests
from api.auth import current_actor
from api.extensions import db
from api.parsing import load_json
from api.problems import Problem
from core import idempotency
from core.clock import utc_now
from core.db import unit_of_work
from core.errors import Conflict, RuleViolation
from core.idempotency import KeyUse, Outcome
from members.access import Actor

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
PARAMETER_NAME = "IdempotencyKey"
PARAMETER = {
    "name": HEADER,
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
    "description": "这次操作的编号：发送之前先存下，没有收到应答时原样重发；90 天内只生效一次",
    "example": "0f8fad5b-d9cb-469f-a165-70867728950e",
}
COLLISIONS_MAX = 3
# Serialisation failure and deadlock: nothing of the transaction was kept.
_UNDONE = frozenset({"40001", "40P01"})
_PAUSE_SECONDS_MAX = 0.05
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


class Retry(enum.Enum):
    """What makes it safe to repeat a POST."""

    KEYED = "its key: it has its effect once, and its answer is given again"
    SHOWN_ONCE = "its key: it has its effect once, but its answer holds a secret and is not kept"
    NO_MEMBER = "nobody is signed in to whom a key could belong; what it uses up works only once"
    PURE = "it computes something and keeps nothing"
    NATURAL = "doing it twice is the same as doing it once"
    BATCH = "each of its items has a key of its own"


NEEDS_KEY = frozenset({Retry.KEYED, Retry.SHOWN_ONCE})


def once(view: Callable[..., Any], operation: str, retry: Retry) -> Callable[..., Any]:
    """The view, with one effect for each key that a member gives to this operation.

    The key and the effect are one transaction. What the view returns is kept, whatever its
    status; a refusal that it raises undoes the effect and is kept as well, so that what was
    refused cannot happen later, when a lost request arrives. Any other error leaves nothing.
    """

    @functools.wraps(view)
    def answered(*args: Any, **ids: Any) -> flask.Response:
        use = KeyUse(current_actor().member_id, operation, _given_key(), _digest(ids))
        return _settle_in_turn(use, lambda: view(*args, **ids), keeps_answer=retry is Retry.KEYED)

    return answered


def _settle_in_turn(use: KeyUse, act: Callable[[], Any], *, keeps_answer: bool) -> flask.Response:
    """Do it again where the database undid this transaction to let another pass.

    A form is not sent twice from here: its files have been read, and may have been stored.
    """
    is_form = flask.request.mimetype == "multipart/form-data"
    for _ in range(0 if is_form else COLLISIONS_MAX):
        try:
            return _settle(use, act, keeps_answer=keeps_answer)
        except sqlalchemy.exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in _UNDONE:
                raise
            time.sleep(random.uniform(0, _PAUSE_SECONDS_MAX))  # noqa: S311 - no secret
    return _settle(use, act, keeps_answer=keeps_answer)


def _settle(use: KeyUse, act: Callable[[], Any], *, keeps_answer: bool) -> flask.Response:
    session, app = db.session(), flask.current_app
    try:
        with unit_of_work(session):
            if idempotency.reserve(session, use, now=utc_now()):
                response = app.make_response(act())
                _keep(session, use, response, with_body=keeps_answer)
                return response
            earlier = idempotency.find_outcome(session, use)
    except (Conflict, RuleViolation, sqlalchemy.exc.IntegrityError) as error:
        refusal = app.make_response(app.handle_user_exception(error))
        if refusal.status_code >= 500:
            return refusal
        return _settle(use, lambda: refusal, keeps_answer=True)
    return _answer_again(use, earlier)


def _keep(session: Session, use: KeyUse, response: flask.Response, *, with_body: bool) -> None:
    body = response.get_data(as_text=True)
    if response.mimetype == "application/problem+json":
        # What the object looks like now is asked again each time.
        body = json.dumps(response.get_json() | {"current": None}, ensure_ascii=False)
    answer = {"type": response.mimetype, "body": body if with_body else None}
    kept = json.dumps(answer | _standing(current_actor()), ensure_ascii=False)
    idempotency.keep(
        session, use, status=response.status_code, answer=zlib.compress(kept.encode(), 1)
    )


def _answer_again(use: KeyUse, earlier: Outcome | None) -> flask.Response:
    if earlier is None:
        raise Problem(409, "idempotency.in_progress")
    if earlier.digest != use.digest:
        raise Problem(422, "idempotency.mismatch")
    kept = json.loads(zlib.decompress(earlier.answer))
    seen = subrequests.read_object()
    if kept["body"] is None or not _may_still_read(kept, seen):
        ended = "已经办成" if earlier.status < 400 else "没有通过"
        raise Problem(409, "idempotency.settled", f"上次{ended}，内容请重新查看。")
    response = flask.Response(kept["body"], earlier.status, mimetype=kept["type"])
    if earlier.status >= 400:
        response.set_data(_refreshed(json.loads(kept["body"]), seen))
    response.headers[REPLAYED] = "true"
    return response


def _may_still_read(kept: dict[str, Any], seen: flask.Response | None) -> bool:
    """Whether today's rights cover those under which the answer was given (threat T31)."""
    today = _standing(current_actor())
    has_kept_roles = set(kept["roles"]) <= set(today["roles"]) and kept["place"] == today["place"]
    return has_kept_roles and (seen is None or seen.status_code not in (403, 404))


def _standing(actor: Actor) -> dict[str, Any]:
    roles = [f"{held.role}:{held.organization_id}" for held in actor.held_roles]
    return {"roles": roles, "place": str(actor.organization_id)}


def _refreshed(problem: dict[str, Any], seen: flask.Response | None) -> str:
    """The refusal as this request's own answer, with the object as it is now."""
    problem["request_id"] = flask.g.request_id
    del problem["current"]
    if problem["code"] == "conflict.version" and seen is not None and seen.status_code == 200:
        problem["current"] = seen.get_json()
    return json.dumps(problem, ensure_ascii=False)


def _given_key() -> UUID:
    given = flask.request.headers.get(HEADER)
    if given is None:
        raise Problem(400, "idempotency.missing")
    if not _UUID.fullmatch(given):
        raise Problem(422, "idempotency.malformed")
    return UUID(given)


def _digest(ids: dict[str, Any]) -> bytes:
    """A digest of what is asked, whatever order, spacing or boundary it was written with."""
    digest = hashlib.sha256(_canonical({name: str(value) for name, value in ids.items()}))
    is_form = flask.request.mimetype == "multipart/form-data"
    for part in _form_parts() if is_form else [_body()]:
        digest.update(hashlib.sha256(part).digest())
    return digest.digest()


def _body() -> bytes:
    content = flask.request.get_data(cache=True)
    try:
        return _canonical(load_json(content))
    except Problem:
        # The view will say what is wrong with it, or that it takes no body.
        return content


def _form_parts() -> Iterator[bytes]:
    # A part may have no name at all; the view will refuse it.
    fields = ((name or "", value) for name, value in flask.request.form.items(multi=True))
    for name, value in sorted(fields):
        yield _canonical([name, value])
    for name, file in flask.request.files.items(multi=True):
        yield _canonical([name, file.filename])
        yield hashlib.file_digest(file.stream, "sha256").digest()  # type: ignore[arg-type]
        file.stream.seek(0)


def _canonical(value: Any) -> bytes:
    # A lone surrogate is refused later; here it only must not stop the digest.
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return text.encode()
