"""One batch under two scheme versions that cap the same year differently."""

import copy
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from points import review, schemes, verification
from points.models import Quota
from points.review import Action, Decision
from tests.world import NOW, SCHEME, build_world


@pytest.mark.parametrize("newest_first", [True, False])
def test_each_claim_of_a_batch_keeps_to_the_cap_of_its_own_day(
    session: Session, newest_first: bool
) -> None:
    world = build_world(session)
    data: dict[str, Any] = copy.deepcopy(SCHEME)
    data["items"][0]["caps"] = {"year": "15"}
    place, on = world.organizations["区委"], date(2026, 11, 1)
    schemes.publish(session, place, data, effective_from=on, published_by=None, now=NOW)
    october = world.add_claim("党员甲", "一支部", minutes=60, happened_on=date(2026, 10, 7))
    november = world.add_claim("党员甲", "一支部", minutes=1440, happened_on=date(2026, 11, 7))
    ids = [november, october] if newest_first else [october, november]
    decisions = [Decision(claim_id, 1, Action.APPROVE) for claim_id in ids]

    results = review.review(session, world.actor("书记一"), decisions, now=NOW)

    granted = {result.claim_id: result.points for result in results}
    assert granted == {october: 100, november: 1400}
    year = sa.select(Quota.used, Quota.cap).where(
        Quota.bucket == "item:volunteer_service:year:2026"
    )
    assert tuple(session.execute(year).one()) == (1500, 1500)
    assert verification.verify(session).faults == 0
