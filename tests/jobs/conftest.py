"""A private database for tests of jobs, which commit as the jobs process does."""

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session, sessionmaker

from core.config import Settings
from core.db import make_engine, make_sessions


@pytest.fixture
def sessions(fresh_settings: Settings) -> Iterator[sessionmaker[Session]]:
    engine = make_engine(fresh_settings)
    yield make_sessions(engine, fresh_settings.vault)
    engine.dispose()
