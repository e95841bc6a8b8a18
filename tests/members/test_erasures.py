"""Who may erase a member, when, and that every table says what becomes of its rows."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.db import Base
from core.errors import Forbidden, NotFound
from members import consents, erasures
from members.access_models import Account, Role, RoleGrant
from members.consent_models import ConsentPurpose
from members.contact.models import CaseState, ContactCase
from members.erased_data import DELETED, EMPTIED, ERASED_NAME, KEPT
from members.erasures import (
    AlreadyErased,
    ErasureAnswered,
    ErasureHeld,
    Grounds,
    OwnErasure,
    SecondPersonNeeded,
)
from members.models import Affiliation, Member
from members.privacy_models import Erasure, MemberKey, ShredLogEntry
from notifications import addresses, outbox
from notifications.delivery_models import MemberChannelAddress
from notifications.models import Channel, OutboxMessage, OutboxState
from tests.statements import counted_statements
from tests.world import NOW, TODAY, World, build_world

GROUNDS = Grounds("本人书面申请", "区委组〔2026〕31号")


@pytest.fixture
def world(session: Session) -> World:
    world = build_world(session)
    world.add_member("区管理员二", "二支部")
    world.grant("区管理员二", Role.DISTRICT_ADMIN, "区委")
    return world


def leave(world: World, name: str) -> None:
    """End the member's belonging, as a transfer to another district does."""
    world.session.execute(
        sa.update(Affiliation)
        .where(Affiliation.member_id == world.members[name])
        .values(valid_to=TODAY - timedelta(days=30))
    )


def ask(world: World, actor: str = "区管理员", member: str = "党员丙") -> Erasure:
    return erasures.request(
        world.session, world.actor(actor), world.members[member], grounds=GROUNDS, now=NOW
    )


def answer(world: World, erasure: Erasure, actor: str, *, is_confirmed: bool = True) -> Erasure:
    return erasures.answer(
        world.session, world.actor(actor), erasure.id, is_confirmed=is_confirmed, now=NOW
    )


def test_two_officers_erase_a_member_who_has_left(world: World) -> None:
    session, member_id = world.session, world.members["党员丙"]
    actor = world.actor("党员丙")
    addresses.set_address(session, actor, Channel.EMAIL, address="bing@example.org", now=NOW)
    purpose = ConsentPurpose.VERIFY_SERVICE_SHEET
    consents.decide(session, actor, purpose, text_version=1, is_given=True, now=NOW)
    params = {"title": "清扫社区", "points": "1", "note": ""}
    outbox.enqueue(session, [outbox.Message(member_id, "claim_approved", "1", params)], now=NOW)
    leave(world, "党员丙")
    erasure = ask(world)
    with pytest.raises(SecondPersonNeeded):
        answer(world, erasure, "区管理员")

    answer(world, erasure, "区管理员二")

    member = session.get_one(Member, member_id)
    assert (member.name, member.birth_year, member.phone_sealed) == (ERASED_NAME, None, None)
    assert (member.phone_index, member.phone_masked) == (None, None)
    assert session.get(MemberKey, member_id) is None
    assert session.scalars(sa.select(MemberChannelAddress)).all() == []
    assert consents.has_consent(session, [member_id], purpose, TODAY) == frozenset()
    message = session.scalars(sa.select(OutboxMessage)).one()
    assert (message.state, message.params) == (OutboxState.CANCELLED, {})
    account = session.get_one(Account, member_id)
    assert (account.disabled_at, account.password_hash) == (NOW, "")
    log = session.get_one(ShredLogEntry, member_id)
    assert (log.requested_by, log.confirmed_by) == (
        world.members["区管理员"],
        world.members["区管理员二"],
    )
    with pytest.raises(AlreadyErased):
        ask(world)
    with pytest.raises(ErasureAnswered):
        answer(world, erasure, "区管理员二")


def test_refused_erasure_leaves_everything(world: World) -> None:
    leave(world, "党员丙")
    answer(world, ask(world), "区管理员二", is_confirmed=False)

    assert world.session.get_one(Member, world.members["党员丙"]).name == "党员丙"
    assert ask(world).answered_by is None


@pytest.mark.parametrize(
    ("actor", "member", "refusal"),
    [
        ("书记二", "党员丙", Forbidden),
        ("审计员", "党员丙", Forbidden),
        ("系统管理员", "党员丙", Forbidden),
        ("区管理员", "区管理员", OwnErasure),
    ],
)
def test_others_cannot_ask(world: World, actor: str, member: str, refusal: type[Exception]) -> None:
    leave(world, "党员丙")
    with pytest.raises(refusal):
        ask(world, actor, member)


def test_somebody_outside_the_officers_tree_is_absent(world: World) -> None:
    leave(world, "党员丁")
    world.add_member("街道管理员", "一支部")
    world.grant("街道管理员", Role.DISTRICT_ADMIN, "街道")

    with pytest.raises(NotFound):
        ask(world, "街道管理员", "党员丁")


def test_what_the_law_still_needs_is_kept(world: World) -> None:
    session, member_id = world.session, world.members["党员丙"]
    with pytest.raises(ErasureHeld, match="党籍没有结束"):
        ask(world)
    leave(world, "党员丙")
    world.add_claim("党员丙", "二支部")
    session.add(
        ContactCase(
            member_id=member_id,
            organization_id=world.organizations["二支部"],
            clock="lost_contact",
            anchor_on=TODAY - timedelta(days=200),
            stage=3,
            state=CaseState.OPEN,
            opened_at=NOW,
        )
    )
    session.flush()

    with pytest.raises(ErasureHeld, match=r"待联系工作还没有结束。有积分申报在等待审核。"):
        ask(world)


def test_role_holds_while_it_is_in_force(world: World) -> None:
    leave(world, "党员丙")
    grant_id = world.grant("党员丙", Role.GROUP_LEADER, "一组")
    with pytest.raises(ErasureHeld, match="有职务还没有免去"):
        ask(world)

    world.session.get_one(RoleGrant, grant_id).valid_to = TODAY
    world.session.flush()
    assert ask(world).requested_at == NOW


def test_erasing_many_takes_as_many_statements_as_one(world: World) -> None:
    numbers = []
    for names in (["党员甲"], ["党员乙", "党员丙", "党员丁"]):
        with counted_statements(world.session) as seen:
            erasures.apply(world.session, [world.members[name] for name in names], now=NOW)
        numbers.append(len(seen))

    assert numbers[0] == numbers[1] == len(DELETED) + len(EMPTIED) + 2


def test_every_table_about_a_member_says_what_becomes_of_it() -> None:
    """A new table is entered in EMPTIED or DELETED, or in KEPT with the reason."""
    about = {
        table.name
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name == "member" and key.parent.name == "member_id"
    }
    said = {*DELETED, *KEPT, *(one.table for one in EMPTIED)}

    assert about - said == set()
    assert said <= Base.metadata.tables.keys()
