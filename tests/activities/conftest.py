"""A world with one branch's organisation life."""

import pytest
from sqlalchemy.orm import Session

from tests.activities.lives import Life
from tests.world import build_world


@pytest.fixture
def life(session: Session) -> Life:
    return Life(build_world(session))
