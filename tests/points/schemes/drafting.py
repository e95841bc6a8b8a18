"""Writing schemes in tests: the world's scheme with changes, drafted and published by people."""

import copy
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from points import scheme_drafts, scheme_publishing
from points.models import SchemeVersion
from points.scheme_delegations import Delegation, delegate
from points.scheme_texts import SchemeText
from points.scheme_timeline import Entering
from tests.world import NOW, SCHEME, TODAY, World

Change = Callable[[dict[str, Any]], None]


def changed(*changes: Change, **values: Any) -> SchemeText:
    """The world's scheme with other values, then with changes made in place."""
    data = copy.deepcopy(SCHEME) | values
    for change in changes:
        change(data)
    return SchemeText(data)


def item_of(data: dict[str, Any], code: str) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in data["items"] if item["code"] == code)
    return found


def draft(
    world: World, name: str = "区管理员", place: str = "区委", text: SchemeText | None = None
) -> SchemeVersion:
    return scheme_drafts.create(
        world.session,
        world.actor(name),
        world.organizations[place],
        text=text or changed(),
        now=NOW,
    )


def publish(
    world: World,
    scheme_id: UUID,
    *,
    on: date,
    name: str = "区管理员",
    revision: int = 1,
) -> SchemeVersion:
    terms = Entering(revision, on, "区组通〔2026〕12号")
    return scheme_publishing.publish(
        world.session, world.actor(name), scheme_id, terms=terms, now=NOW
    )


def delegate_to(world: World, place: str = "街道") -> UUID:
    terms = Delegation(TODAY, None, "区组通〔2026〕10号")
    return delegate(
        world.session, world.actor("区管理员"), world.organizations[place], terms=terms, now=NOW
    ).id
