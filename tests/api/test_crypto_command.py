"""`flask crypto rotate`: another key and another suite, with everybody still found and reached."""

from dataclasses import replace
from uuid import UUID

import sqlalchemy as sa

from api.app import create_app
from api.extensions import db
from core.config import Settings
from core.crypto import Suite, Vault
from core.db import make_engine, make_sessions
from members import accounts
from members.models import Member
from members.phones import index_phone, open_phone, phone_context
from members.privacy_models import MemberKey
from notifications import addresses
from notifications.models import Channel
from tests.world import NOW, PASSWORD, build_world

PHONE, OTHER_PHONE = "13900001111", "13900002222"


def test_deployment_goes_over_to_other_keys_and_another_suite(fresh_settings: Settings) -> None:
    before = fresh_settings.vault
    member_id = _build(fresh_settings)
    after = Vault(bytes([7]) * 32, bytes([8]) * 32, Suite.GM, (before.field_key,))
    settings = replace(fresh_settings, vault=after)

    output = _rotate(settings)
    assert "member.phone_sealed：13 项" in output
    assert _rotate(settings) == output

    # The former key may go now.
    settings = replace(settings, vault=replace(after, former_keys=()))
    engine = make_engine(settings)
    with make_sessions(engine, settings.vault)() as session:
        member = session.get_one(Member, member_id)
        assert member.phone_sealed is not None
        phone = open_phone(session, member_id, member.phone_sealed)
        assert member.phone_index == index_phone(settings.vault, phone)
        assert accounts.prove_password(session, phone, PASSWORD).member_id == member_id
        assert addresses.find_address(session, member_id, Channel.EMAIL) == "jia@example.org"
        key = session.get_one(MemberKey, member_id)
        assert settings.vault.master.sealed(key.key_sealed)
        assert member.phone_sealed[:1] == b"\x12"
    engine.dispose()


def _build(settings: Settings) -> UUID:
    """A world whose 党员甲 has a phone that the first releases sealed, and an address."""
    engine = make_engine(settings)
    with make_sessions(engine, settings.vault)() as session:
        world = build_world(session)
        member_id = world.members["党员甲"]
        actor = world.actor("党员甲")
        addresses.set_address(session, actor, Channel.EMAIL, address="jia@example.org", now=NOW)
        old = settings.vault.encrypt(
            world.phones["党员甲"].encode(), context=phone_context(member_id)
        )
        session.execute(sa.update(Member).where(Member.id == member_id).values(phone_sealed=old))
        session.commit()
    engine.dispose()
    return member_id


def _rotate(settings: Settings) -> str:
    app = create_app(settings)
    result = app.test_cli_runner().invoke(args=["crypto", "rotate"])
    with app.app_context():
        db.engine.dispose()
    assert result.exit_code == 0, result.output
    return str(result.output)
