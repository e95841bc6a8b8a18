"""Fixtures of contract tests that speak HTTP."""

from collections.abc import Iterator

import flask
import pytest

from tests.engines import Databases
from tests.served import Document, Service, document_of, served


@pytest.fixture
def document(app: flask.Flask) -> Document:
    """The document that the application serves."""
    return document_of(app)


@pytest.fixture
def service(databases: Databases, engine_kind: str) -> Iterator[Service]:
    """The standard world behind the API, at the world's own time."""
    with served(databases, engine_kind) as service:
        yield service
