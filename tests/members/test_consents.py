"""Consent: given and withdrawn by the member himself, one row for each decision."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.ids import new_id
from members import consents
from members.consent_models import Consent, ConsentPurpose
from members.consents import ConsentText, TextOutdated, has_consent
from tests.statements import counted_statements
from tests.world import NOW, TODAY, World, build_world

PUBLISH = ConsentPurpose.PUBLISH_SERVICE_RECORD
DAY = timedelta(days=1)


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def decide(world: World, name: str, *, is_given: bool, days: int = 0) -> None:
    now = NOW + days * DAY
    actor = world.actor(name, on=business_day(now))
    consents.decide(world.session, actor, PUBLISH, text_version=1, is_given=is_given, now=now)


def agreeing(world: World, on: date = TODAY) -> set[str]:
    found = has_consent(world.session, world.members.values(), PUBLISH, on)
    return {name for name, member_id in world.members.items() if member_id in found}


def test_nobody_agrees_until_he_says_so(world: World) -> None:
    assert agreeing(world) == set()
    states = consents.list_own(world.session, world.actor("党员甲"))
    assert [(state.purpose, state.is_given) for state in states] == [
        (purpose, False) for purpose in ConsentPurpose
    ]


def test_newest_decision_before_a_day_counts_on_it(world: World) -> None:
    decide(world, "党员甲", is_given=True)
    decide(world, "党员乙", is_given=True)
    decide(world, "党员甲", is_given=False, days=2)
    decide(world, "党员甲", is_given=True, days=4)

    told = [agreeing(world, TODAY + days * DAY) for days in (-1, 0, 1, 2, 3, 4)]

    both, second = {"党员甲", "党员乙"}, {"党员乙"}
    assert told == [set(), both, both, second, second, both]
    assert len(consents.list_decisions(world.session, world.actor("党员甲"))) == 3


def test_consent_is_for_one_purpose(world: World) -> None:
    decide(world, "党员甲", is_given=True)

    other = ConsentPurpose.VERIFY_SERVICE_SHEET
    assert has_consent(world.session, [world.members["党员甲"]], other, TODAY) == frozenset()


def test_new_text_asks_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    decide(world, "党员甲", is_given=True)
    old = consents.TEXTS[PUBLISH]
    new = ConsentText(2, TODAY + DAY, "新的说明")
    monkeypatch.setitem(consents.TEXTS, PUBLISH, (*old, new))

    assert (agreeing(world), agreeing(world, TODAY + DAY)) == ({"党员甲"}, set())
    with pytest.raises(TextOutdated):
        decide(world, "党员甲", is_given=True, days=1)


def test_one_statement_asks_for_everybody(world: World) -> None:
    for count in (1, 300):
        with counted_statements(world.session) as statements:
            has_consent(world.session, [new_id() for _ in range(count)], PUBLISH, TODAY)
        assert len(statements) == 1


def test_database_keeps_every_decision_and_only_ones_own(world: World) -> None:
    decide(world, "党员甲", is_given=True)
    for statement in (sa.update(Consent).values(is_given=False), sa.delete(Consent)):
        with pytest.raises(sa.exc.DBAPIError), world.session.begin_nested():
            world.session.execute(statement.execution_options(synchronize_session=False))
    for_another = Consent(
        member_id=world.members["党员甲"],
        purpose=PUBLISH,
        text_version=1,
        is_given=True,
        decided_by=world.members["书记一"],
        decided_on=TODAY,
        decided_at=NOW,
    )
    world.session.add(for_another)
    with pytest.raises(sa.exc.IntegrityError):
        world.session.flush()
