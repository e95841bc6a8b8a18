"""The self-check of a server process, before it answers anybody."""

import sys

import flask

from api.extensions import db
from core import selfcheck
from core.clock import utc_now
from core.config import ConfigError

# What gunicorn takes for "this will not get better by trying again".
_CANNOT_BOOT = 3


def require_fit(app: flask.Flask) -> None:
    """End the process if the deployment is unsafe, with what to do about it."""
    with app.app_context():
        try:
            selfcheck.require_fit(
                app.extensions["settings"], db.engine, is_debug=app.debug, clock=utc_now
            )
        except ConfigError as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(_CANNOT_BOOT)
