"""The application factory."""

import secrets
import string

import flask
from werkzeug.middleware.proxy_fix import ProxyFix

from api import (
    attributing,
    auth,
    callbacks,
    cli,
    clients,
    document,
    headers,
    limits,
    metrics,
    problems,
    representations,
    request_log,
    routes,
)
from api.extensions import db, jwt
from api.parsing import PathIdentifier
from core import scope
from core.config import ConfigError, Settings
from core.db import engine_options, read_only
from core.files import open_store

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
    app.extensions["files"] = open_store(settings.data_dir, settings.files_s3)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.converters["uuid"] = PathIdentifier
    # A redirect to the address without the second slash would drop a body, and is undocumented.
    app.url_map.merge_slashes = False
    db.init_app(app)
    # Domain code that meets a phone finds the keys on its session. Commands work for the system;
    # a request works for nobody until its caller is known.
    db.session.session_factory.configure(info={"vault": settings.vault} | scope.SYSTEM)
    _register_hooks(app, settings)
    jwt.init_app(app)
    auth.register(jwt)
    problems.register(app, jwt)
    document.register(app, routes.BLUEPRINTS)
    metrics.add_route(app)
    callbacks.register(app)
    representations.register(app)
    cli.register(app)
    open_routes = auth.unguarded_rules(app)
    if open_routes:
        raise ConfigError("没有声明权限的路由：" + "、".join(open_routes))
    return app


def _register_hooks(app: flask.Flask, settings: Settings) -> None:
    """What happens before every view, in this order, and after it in the other."""
    if settings.server.proxies:
        hops = settings.server.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    # The last to be registered is the first to see the answer: what is counted and logged is
    # what leaves.
    headers.register(app)
    app.before_request(_begin_request)
    request_log.register(app)
    metrics.register(app)
    limits.register(app, settings.server)
    clients.register(app, settings.clients)
    attributing.register(app)


def _config(settings: Settings) -> dict[str, object]:
    return {
        "SECRET_KEY": settings.flask_secret,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(settings),
        "MAX_CONTENT_LENGTH": UPLOAD_BYTES_MAX,
        "MAX_FORM_PARTS": 10,
        "TRUSTED_HOSTS": list(settings.server.trusted_hosts) or None,
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
