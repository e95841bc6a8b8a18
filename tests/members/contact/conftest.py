"""The scene that tests of contact play in."""

import pytest
from sqlalchemy.orm import Session

from tests.members.contact.scene import Scene
from tests.world import build_world


@pytest.fixture
def scene(session: Session) -> Scene:
    return Scene(build_world(session))
