"""The application factory."""

import secrets
import string

import flask
from werkzeug.wrappers import Response

from api import auth, callbacks, cli, document, metrics, problems, routes
from api.extensions import db, jwt
from api.parsing import PathIdentifier
from core import scope
from core.config import ConfigError, Settings
from core.db import engine_options, read_only

BODY_BYTES_MAX = 1024 * 1024
UPLOAD_BYTES_MAX = 16 * 1024 * 1024
_ID_ALPHABET = string.ascii_lowercase + string.digits
_ID_CHARACTERS = frozenset(string.ascii_letters + string.digits + "-")


def create_app(settings: Settings | None = None) -> flask.Flask:
    """Build the API of one deployment; settings come from the environment by default.

    Raises:
        ConfigError: a setting is unsafe, or a route was added without an access policy.
    """
    settings = settings or Settings.from_env()
    app = flask.Flask("api", static_folder=None)
    app.config.from_mapping(_config(settings))
    app.extensions["settings"] = settings
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.converters["uuid"] = PathIdentifier
    # A redirect to the address without the second slash would drop a body, and is undocumented.
    app.url_map.merge_slashes = False
    db.init_app(app)
    # Domain code that meets a phone finds the keys on its session. Commands work for the system;
    # a request works for nobody until its caller is known.
    db.session.session_factory.configure(info={"vault": settings.vault} | scope.SYSTEM)
    jwt.init_app(app)
    auth.register(jwt)
    problems.register(app, jwt)
    document.register(app, routes.BLUEPRINTS)
    metrics.register(app)
    callbacks.register(app)
    app.before_request(_begin_request)
    app.after_request(_finish_request)
    cli.register(app)
    open_routes = auth.unguarded_rules(app)
    if open_routes:
        raise ConfigError("没有声明权限的路由：" + "、".join(open_routes))
    return app


def _config(settings: Settings) -> dict[str, object]:
    return {
        "SECRET_KEY": settings.flask_secret,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(settings),
        "MAX_CONTENT_LENGTH": UPLOAD_BYTES_MAX,
        "MAX_FORM_PARTS": 10,
        "PROPAGATE_EXCEPTIONS": False,
        **auth.jwt_config(settings),
        **document.CONFIG,
    }


def _begin_request() -> None:
    given = flask.request.headers.get("X-Request-Id", "")
    usable = 8 <= len(given) <= 40 and _ID_CHARACTERS.issuperset(given)
    # Eight letters can be read out over the phone.
    flask.g.request_id = (
        given if usable else "".join(secrets.choice(_ID_ALPHABET) for _ in range(8))
    )
    scope.work_for_nobody(db.session())
    read_only.set(flask.request.method in ("GET", "HEAD", "OPTIONS"))
    if flask.request.mimetype != "multipart/form-data":
        flask.request.max_content_length = BODY_BYTES_MAX


def _finish_request(response: Response) -> Response:
    response.headers["X-Request-Id"] = flask.g.get("request_id", "")
    response.headers.setdefault("Cache-Control", "private, no-cache")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
