"""Other versions of the world's scheme."""

from datetime import date
from typing import Any

import sqlalchemy as sa

from points.definition_reading import digest
from points.models import SchemeVersion
from tests.world import SCHEME, World


def republish(world: World, *, effective_from: date = date(2026, 1, 1), **changes: Any) -> None:
    """The world's scheme with changes, as the newest version; written past the service."""
    data = dict(SCHEME) | changes
    newest = world.session.scalar(sa.select(sa.func.max(SchemeVersion.version))) or 0
    world.session.add(
        SchemeVersion(
            scheme_code=SCHEME["code"],
            organization_id=world.organizations["区委"],
            version=newest + 1,
            status="published",
            effective_from=effective_from,
            definition=data,
            definition_sha256=digest(data),
            published_at=None,
        )
    )
    world.session.flush()
