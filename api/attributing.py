"""On whose account a request writes, and the record of a request that was refused."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import click
import flask
import sqlalchemy.exc
import structlog
from sqlalchemy import event
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from api.extensions import db
from core import audit
from core.attribution import KEY, ActorKind, Attribution, by_command
from core.audit_models import Outcome
from core.db import read_only
from members.access import Actor

log = structlog.get_logger(__name__)

# What may be sent without a name, and what only they are told who have not sent it.
_ANONYMOUS = "feedback"
_OF_STRANGERS = frozenset({"not_found", "perm.denied"})
_DENIED = frozenset({401, 403, 404})
_RULED_OUT = frozenset({409, 422})


def register(app: flask.Flask) -> None:
    """Attribute each request from its beginning, and record the refused ones at its end."""
    app.before_request(_attribute_stranger)
    app.after_request(_note_refusal)


def attribute_bearer(member_id: UUID) -> None:
    """The member whom a genuine token names, whether or not he may still use it."""
    _attribute(kind=ActorKind.MEMBER, actor_id=member_id)


def attribute_actor(actor: Actor) -> None:
    """The member as the database knows him today, with his device if the token names one."""
    _attribute(organization_id=actor.organization_id, session_id=getattr(actor, "session_id", None))


def _attribute_stranger() -> None:
    operation = (flask.request.endpoint or "none").rpartition(".")[2]
    of = Attribution(ActorKind.PUBLIC, operation, request_id=flask.g.request_id)
    audit.attribute(db.session(), of)


def _attribute(**known: Any) -> None:
    session = db.session()
    audit.attribute(session, replace(session.info[KEY], **known))


def _note_refusal(response: Response) -> Response:
    """Leave a row for what a signed-in member was refused; nobody's flood writes to the disk."""
    outcome = _outcome(response.status_code)
    attribution: Attribution | None = db.session().info.get(KEY)
    if outcome is None or attribution is None or attribution.kind is not ActorKind.MEMBER:
        return response
    named = _ids_in_path()
    if _may_name_a_sender():
        if not flask.g.problem_code.startswith("auth."):
            return response
        # That somebody's session was no good is told, and not what he was about to do.
        attribution, named = replace(attribution, operation=_ANONYMOUS), {}
    try:
        _write_refusal(db.session(), attribution, outcome, named)
    except sqlalchemy.exc.SQLAlchemyError as error:  # a refusal stays the refusal that it is
        db.session.rollback()
        log.error("audit.refusal_unrecorded", error=type(error).__name__)
    return response


def _ids_in_path() -> dict[str, UUID]:
    given = flask.request.view_args or {}
    return {place: one for place, one in given.items() if isinstance(one, UUID)}


def _write_refusal(
    session: Session, attribution: Attribution, outcome: Outcome, named: dict[str, UUID]
) -> None:
    # On SQLite what began by reading cannot become a writer while somebody else writes.
    session.rollback()
    read_only.set(False)
    audit.note_refusal(session, attribution, outcome, flask.g.problem_code, named)
    session.commit()


def _may_name_a_sender() -> bool:
    """Whether this refusal would tell who has sent something anonymously, by standing beside it."""
    is_strangers = flask.g.problem_code in _OF_STRANGERS
    return flask.request.blueprint == _ANONYMOUS and not is_strangers


def _outcome(status: int) -> Outcome | None:
    if "problem_code" not in flask.g:
        return None
    if status in _DENIED:
        return Outcome.DENIED
    is_about_form = flask.g.problem_code == "validation"
    if status in _RULED_OUT and flask.request.method != "GET" and not is_about_form:
        return Outcome.REFUSED
    return None


@event.listens_for(db.session, "after_begin")
def _attribute_command(session: Session, *_: object) -> None:
    """A command of ours needs no line of its own: it is known by the words that started it."""
    command = click.get_current_context(silent=True)
    if KEY not in session.info and command is not None:
        audit.attribute(session, by_command(command.command_path))
