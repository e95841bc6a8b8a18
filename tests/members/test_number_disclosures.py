"""A number in full: who may see it, how often, and what remains of it."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.config import Settings
from core.errors import Forbidden, NotFound
from members import consents, member_keys, number_disclosures
from members.consent_models import ConsentPurpose
from members.models import Affiliation, AffiliationKind, Member
from members.number_disclosures import (
    PER_DAY_MAX,
    DisclosuresSpent,
    IdNumbersOff,
    NumberAbsent,
    OwnNumber,
)
from members.phones import set_phone
from members.privacy_models import MemberKey, NumberKind, PersonalDataAccess
from tests.concurrency.arena import Arena
from tests.statements import counted_statements
from tests.world import NOW, TODAY, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def see(world: World, actor: str, member: str, *, kind: NumberKind = NumberKind.PHONE) -> str:
    return number_disclosures.disclose(
        world.session,
        world.actor(actor),
        world.members[member],
        kind,
        purpose="通知改期",
        now=NOW,
    )


@pytest.mark.parametrize("actor", ["书记一", "副书记一", "区管理员"])
def test_number_is_shown_with_a_record(world: World, actor: str) -> None:
    assert see(world, actor, "党员甲") == world.phones["党员甲"]

    record = world.session.scalars(sa.select(PersonalDataAccess)).one()
    assert (record.member_id, record.actor_id, record.kind, record.purpose, record.ordinal) == (
        world.members["党员甲"],
        world.members[actor],
        "phone",
        "通知改期",
        1,
    )


@pytest.mark.parametrize(
    ("actor", "member", "refusal"),
    [
        ("书记二", "党员甲", NotFound),
        ("书记一", "书记一", OwnNumber),
        ("街道干事", "党员甲", Forbidden),
        ("组长", "党员甲", Forbidden),
        ("审计员", "党员甲", Forbidden),
        ("党员乙", "党员甲", Forbidden),
    ],
)
def test_others_see_nothing_and_leave_no_record(
    world: World, actor: str, member: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        see(world, actor, member)
    assert world.session.scalars(sa.select(PersonalDataAccess)).all() == []


def test_day_has_a_limit_and_the_next_day_another(world: World) -> None:
    for _ in range(PER_DAY_MAX):
        see(world, "书记一", "党员甲")
    with pytest.raises(DisclosuresSpent):
        see(world, "书记一", "党员乙")
    assert see(world, "副书记一", "党员甲")

    tomorrow = NOW + timedelta(days=1)
    number_disclosures.disclose(
        world.session,
        world.actor("书记一"),
        world.members["党员甲"],
        NumberKind.PHONE,
        purpose="次日",
        now=tomorrow,
    )


def test_what_is_not_kept_cannot_be_shown(world: World) -> None:
    set_phone(world.session, world.session.get_one(Member, world.members["党员乙"]), None)
    with pytest.raises(NumberAbsent):
        see(world, "书记一", "党员乙")
    with pytest.raises(NumberAbsent):
        see(world, "书记一", "党员甲", kind=NumberKind.ID_NUMBER)


def test_host_sees_a_migrants_phone_only_while_he_agrees(world: World) -> None:
    host = Affiliation(
        member_id=world.members["党员甲"],
        organization_id=world.organizations["二支部"],
        kind=AffiliationKind.MIGRANT_HOST,
        valid_from=TODAY,
    )
    world.session.add(host)

    def agree(is_given: bool, minutes: int) -> None:
        consents.decide(
            world.session,
            world.actor("党员甲"),
            ConsentPurpose.HOST_CONTACT,
            text_version=1,
            is_given=is_given,
            now=NOW + timedelta(minutes=minutes),
        )

    with pytest.raises(NotFound):
        see(world, "书记二", "党员甲")
    agree(True, 0)
    assert see(world, "书记二", "党员甲") == world.phones["党员甲"]
    with pytest.raises(NotFound):
        see(world, "书记二", "党员甲", kind=NumberKind.ID_NUMBER)
    with pytest.raises(NotFound):
        see(world, "书记三", "党员甲")
    agree(False, 1)
    with pytest.raises(NotFound):
        see(world, "书记二", "党员甲")


def test_phone_of_a_member_without_key_is_gone(world: World) -> None:
    world.session.execute(sa.delete(MemberKey))

    with pytest.raises(NumberAbsent):
        see(world, "书记一", "党员甲")


def test_keys_of_many_members_are_made_in_three_statements(
    world: World,
) -> None:
    world.session.execute(sa.delete(MemberKey))

    with counted_statements(world.session) as seen:
        keys = member_keys.ensure(world.session, world.members.values())

    assert (len(seen), keys.keys()) == (3, set(world.members.values()))


def test_showings_at_once_stay_within_the_limit(fresh_settings: Settings) -> None:
    with Arena.open(fresh_settings) as arena:

        def act(session: Session) -> str:
            return number_disclosures.disclose(
                session,
                arena.actor(session, "书记一"),
                arena.world.members["党员甲"],
                NumberKind.PHONE,
                purpose="竞争",
                now=NOW,
            )

        for _ in range(PER_DAY_MAX // 4 - 1):
            arena.race(*[act] * 4)
        finishes = arena.race(*[act] * 8)

        assert sum(finish.won for finish in finishes) == 4
        assert {type(one.refusal) for one in finishes if one.refusal} == {DisclosuresSpent}


def test_id_number_is_refused_while_off(session: Session, settings: Settings) -> None:
    world = build_world(session)
    session.info["vault"] = replace(settings.vault, keeps_id_numbers=False)

    with pytest.raises(IdNumbersOff):
        see(world, "书记一", "党员甲", kind=NumberKind.ID_NUMBER)
