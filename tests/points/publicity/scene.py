"""What the tests of publicity share: a scheme with every kind of item, and short ways to act."""

import copy
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from points import adjustments, bulletins, review, schemes
from points.adjustments import Given, Terms
from points.publicity_models import Adjustment, Bulletin
from points.review import Action, Decision
from tests.world import NOW, SCHEME, TODAY, World

# NOW is Tuesday, 10 November 2026; five working days later is Tuesday the 17th.
WINDOW_OVER = NOW + timedelta(days=8)
DAY = date(2026, 11, 5)

VETO = {
    "code": "discipline", "name": "违纪清零", "component": "veto", "event": "veto",
    "unit": "occurrence", "points": "0", "entered_by": "branch",
}  # fmt: skip


def richer_scheme(**changes: Any) -> dict[str, Any]:
    """The starting scheme with a veto, and an item that only the street may enter."""
    scheme = copy.deepcopy(SCHEME) | changes
    scheme["components"].append({"code": "veto", "name": "一票否决", "kind": "veto"})
    scheme["items"].append(dict(VETO))
    scheme["items"].append(
        {
            "code": "street_praise",
            "name": "街道表扬",
            "component": "bonus",
            "event": "manual",
            "unit": "occurrence",
            "points": "1",
            "entered_by": "committee",
        }
    )
    return scheme


def publish_richer(world: World, *, since: date = date(2026, 2, 1), **changes: Any) -> None:
    schemes.publish(
        world.session,
        world.organizations["区委"],
        richer_scheme(**changes),
        effective_from=since,
        published_by=None,
        now=NOW,
    )


def enter(
    world: World,
    who: str,
    item_code: str,
    *given: Given | str,
    now: datetime = NOW,
    branch: str = "一支部",
    **terms: Any,
) -> Sequence[Adjustment]:
    facts = {"happened_on": DAY, "title": "说明", "basis": "方案第三条"} | terms
    entries = [
        Given(world.members[one], points=200 if item_code == "commended" else None)
        if isinstance(one, str)
        else one
        for one in given
    ]
    return adjustments.enter(
        world.session,
        world.actor(who),
        world.organizations[branch],
        terms=Terms(item_code=item_code, **facts),
        given=entries,
        now=now,
    )


def approve(world: World, who: str, *claim_ids: UUID, now: datetime = NOW) -> list[UUID]:
    """Approve claims; the ids of their entries."""
    decisions = [Decision(claim_id, 1, Action.APPROVE) for claim_id in claim_ids]
    results = review.review(world.session, world.actor(who), decisions, now=now)
    assert all(result.entry_id for result in results), results
    return [result.entry_id for result in results if result.entry_id]


def publish(
    world: World, who: str = "书记一", month: str = "2026-11", *, now: datetime = NOW
) -> Bulletin:
    branch = world.organizations["一支部"]
    return bulletins.publish(world.session, world.actor(who, on=TODAY), branch, month, now=now)


def read(session: Session, model: Any, key: Any) -> Any:
    return session.get_one(model, key, populate_existing=True)
