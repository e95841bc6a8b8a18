"""Apps too old to be served: 426 before anything else of a request is looked at.

An app names itself in `X-Client: <platform>/<version>`. Without the header nothing happens, nor
with one that says something else: scripts and partners' programs are no apps of ours.
"""

import flask

from api import problems
from core.client_settings import ClientSettings, Platform, find_version

HEADER = "X-Client"
CODE = "client.upgrade_required"
# What an old app has to be able to ask all the same: whether it is too old, for example.
OPEN_BLUEPRINTS = frozenset({"meta", "system"})


def register(app: flask.Flask, settings: ClientSettings) -> None:
    """Refuse apps that are older than the deployment still serves."""

    def check_version() -> flask.Response | None:
        # Pages and callbacks belong to no blueprint.
        if flask.request.blueprint is None or flask.request.blueprint in OPEN_BLUEPRINTS:
            return None
        return refuse(settings, flask.request.headers.get(HEADER, ""))

    if settings.oldest:
        app.before_request(check_version)


def refuse(settings: ClientSettings, said: str) -> flask.Response | None:
    """The refusal of an app that is too old, or nothing."""
    platform, _, text = said.partition("/")
    version = find_version(text)
    if version is None or platform not in list(Platform):
        return None
    oldest = settings.oldest.get(Platform(platform))
    if oldest is None or version >= (find_version(oldest) or ()):
        return None
    detail = f"应用版本 {text} 已停止使用，请更新到 {oldest} 或更新的版本。"
    return problems.edge_problem(CODE, detail)
