"""Sealed books, shared or of a test's own."""

from collections.abc import Iterator

import pytest

from core.config import Settings
from tests.engines import ENGINE_KINDS, Databases, environment, owner_url
from tests.points.proofs.sealed_books import SealedBooks, build_sealed_books


@pytest.fixture(scope="module", params=ENGINE_KINDS)
def shared(
    databases: Databases, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SealedBooks]:
    """Books for tests that put back whatever they do."""
    with databases.fresh_url(request.param) as url:
        settings = Settings.from_env(environment(url, tmp_path_factory.mktemp("books")))
        yield build_sealed_books(settings, owner_url(url))


@pytest.fixture
def books(fresh_settings: Settings, fresh_owner_url: str) -> SealedBooks:
    """Books of the test's own."""
    return build_sealed_books(fresh_settings, fresh_owner_url)
