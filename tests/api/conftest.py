"""Fixtures of tests that speak HTTP."""

from collections.abc import Iterator

import pytest

from tests.engines import Databases
from tests.served import Service, served


@pytest.fixture
def service(databases: Databases, engine_kind: str) -> Iterator[Service]:
    """The standard world behind the API, at the world's own time."""
    with served(databases, engine_kind) as service:
        yield service
