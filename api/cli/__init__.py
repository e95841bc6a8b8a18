"""The flask commands of this product."""

import flask

from api.cli import accounts, organizations, points


def register(app: flask.Flask) -> None:
    """Add the command groups to the app."""
    app.cli.add_command(organizations.org)
    app.cli.add_command(accounts.accounts)
    app.cli.add_command(points.points)
