"""One line for each request: which operation, how it ended, how long it took, who asked.

Never the address or the query: a path may hold the secret of a link, a query a name.
"""

import time
from http import HTTPStatus

import flask
import structlog
from werkzeug.wrappers import Response

log = structlog.get_logger(__name__)


def register(app: flask.Flask) -> None:
    """Log every request of this app when it is answered."""
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> None:
    flask.g.log_began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    # Whatever is logged on the way can be found again beside the answer.
    structlog.contextvars.bind_contextvars(request_id=flask.g.request_id)


def _finish(response: Response) -> Response:
    began = flask.g.get("log_began")
    actor = flask.g.get("actor")
    log.info(
        "request",
        operation=(flask.request.endpoint or "none").rpartition(".")[2],
        method=flask.request.method,
        status=response.status_code,
        ms=round((time.perf_counter() - began) * 1000, 1) if began is not None else None,
        member=str(actor.member_id) if actor is not None else None,
        **_known(response),
    )
    return response


def _known(response: Response) -> dict[str, str]:
    """Why it was refused, and how somebody signed in or tried to."""
    known = {}
    # One item of a batch may have been refused where the batch was not.
    if response.status_code >= HTTPStatus.BAD_REQUEST and "problem_code" in flask.g:
        known["problem_code"] = flask.g.problem_code
    if "sign_in_means" in flask.g:
        known["sign_in_means"] = flask.g.sign_in_means
    return known
