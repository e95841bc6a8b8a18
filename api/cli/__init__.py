"""The flask commands of this product."""

import flask


def register(app: flask.Flask) -> None:
    """Add the command groups to the app."""
