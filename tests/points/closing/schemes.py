"""Other versions of the world's scheme."""

from datetime import date
from typing import Any

from points import schemes
from tests.world import NOW, SCHEME, World


def republish(world: World, *, effective_from: date = date(2026, 12, 1), **changes: Any) -> None:
    """The world's scheme with changes, as the newest version."""
    schemes.publish(
        world.session,
        world.organizations["区委"],
        SCHEME | changes,
        effective_from=effective_from,
        published_by=None,
        now=NOW,
    )
