"""Writes that a phone makes without a signal: which they are, and how a batch of them is done."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flask
from werkzeug.routing import Rule

from api import subrequests
from api.problems import edge_problem
from core.clock import business_day


@dataclass(frozen=True, slots=True)
class OfflineWrite:
    """An operation that may wait for a signal.

    Args:
        object_field: the field of the body that names what it is about, beside the path's ids.
        instant_field, day_field: the field for the time at which it happened, if it has one;
            how late it may be is the operation's own rule.
    """

    object_field: str | None = None
    instant_field: str | None = None
    day_field: str | None = None


OFFLINE: Mapping[str, OfflineWrite] = {
    "check_in": OfflineWrite(object_field="activity_id", instant_field="scanned_at"),
    "request_leave": OfflineWrite(),
    "enter_leave": OfflineWrite(),
    "decide_leave": OfflineWrite(),
    "call_roll": OfflineWrite(),
    "confirm_make_up": OfflineWrite(day_field="made_up_on"),
    "create_service_record": OfflineWrite(),
    "withdraw_service_record": OfflineWrite(),
    "sign_up_for_service": OfflineWrite(),
    "withdraw_signup": OfflineWrite(),
    "check_in_to_service": OfflineWrite(instant_field="at"),
    "check_out_of_service": OfflineWrite(instant_field="at"),
    "note_pledge_progress": OfflineWrite(),
    "report_pledge_fulfilment": OfflineWrite(),
    "log_contact": OfflineWrite(day_field="happened_on"),
    "record_migrant_touch": OfflineWrite(day_field="happened_on"),
    "create_contact_attempt": OfflineWrite(instant_field="attempted_at"),
    "confirm_contact": OfflineWrite(),
    "review_claims": OfflineWrite(object_field="decisions"),
    "mark_messages_read": OfflineWrite(),
}
TIMED = [name for name, write in OFFLINE.items() if write.instant_field or write.day_field]

Op = Mapping[str, Any]


def perform(ops: Sequence[Op]) -> Iterator[dict[str, Any]]:
    """Do each in a transaction of its own, in order; what became of each.

    After one that fails, later ones about the same object are skipped: they were meant to
    follow it. The transaction around this must have ended.
    """
    stopped: set[str] = set()
    for op in ops:
        objects = _objects_of(op)
        if objects & stopped:
            result = {"outcome": "skipped", "status": None, "body": None, "problem": None}
        else:
            result = _result(_send(op))
        if result["outcome"] != "done":
            stopped |= objects
        yield {"key": op["key"], "is_replay": False} | result


def _send(op: Op) -> flask.Response:
    write, rule = OFFLINE.get(op["operation"]), _find_rule(op["operation"])
    if write is None or rule is None:
        return edge_problem("outbox.not_offline")
    if op["path_params"].keys() != rule.arguments:
        return edge_problem("request.not_found")
    method = next(iter((rule.methods or set()) & {"POST", "PUT"}))
    routes = flask.current_app.url_map.bind("")
    path = routes.build(rule.endpoint, dict(op["path_params"]), method)
    return subrequests.ask(method, path, body=_timed(write, op), key=str(op["key"]))


def _result(answer: flask.Response) -> dict[str, Any]:
    is_done = answer.status_code < 400
    content = answer.get_json(silent=True)
    return {
        "outcome": "done" if is_done else "failed",
        "status": answer.status_code,
        "body": content if is_done else None,
        "problem": None if is_done else content,
        "is_replay": "Idempotent-Replayed" in answer.headers,
    }


def _timed(write: OfflineWrite, op: Op) -> dict[str, Any] | None:
    """The body, with the time at which it happened where that has a place in it."""
    body, at = op["body"], op["occurred_at"]
    if at is None:
        return body
    if write.instant_field:
        return {write.instant_field: at.isoformat()} | (body or {})
    if write.day_field:
        return {write.day_field: business_day(at).isoformat()} | (body or {})
    return body


def _objects_of(op: Op) -> set[str]:
    write = OFFLINE.get(op["operation"], OfflineWrite())
    named = (op["body"] or {}).get(write.object_field) if write.object_field else None
    # A batch of decisions is about each of its items.
    items = named if isinstance(named, list) else [named]
    ids = [item.get("id") if isinstance(item, dict) else item for item in items]
    return {str(one) for one in [*op["path_params"].values(), *ids] if one is not None}


def _find_rule(operation: str) -> Rule | None:
    rules = flask.current_app.url_map.iter_rules()
    return next((rule for rule in rules if rule.endpoint.split(".")[-1] == operation), None)
