"""A member's copy of his own data: whole, his alone, and gone in time."""

import importlib
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.db import Base
from core.errors import NotFound
from core.signed_links import LinkInvalid
from members import data_copies, erasures
from members.attempt_limits import TooManyTries
from members.data_copies import COPY_LINKS
from members.data_copy_models import DataCopy
from members.erased_data import DELETED, EMPTIED, KEPT
from members.feedback.models import Feedback, FeedbackKind, FeedbackTopic
from members.feedback.rules import Draft
from notifications import addresses, feedback_steps
from notifications.models import Channel
from points import own_data, review
from points.own_data_parts import LEFT_OUT, PARTS
from points.review import Action, Decision
from tests.statements import counted_statements
from tests.world import NOW, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    world = build_world(session)
    actor = world.actor("党员甲")
    claim_id = world.add_claim("党员甲", "一支部")
    decisions = [Decision(claim_id, 1, Action.APPROVE)]
    review.review(session, world.actor("书记一"), decisions, now=NOW)
    addresses.set_address(session, actor, Channel.EMAIL, address="jia@example.org", now=NOW)
    sent = send_feedback(world)
    feedback_steps.answer(
        session, world.actor("街道干事"), sent.id, reply="已采纳", version=1, now=NOW
    )
    world.add_claim("党员乙", "一支部")
    return world


def send_feedback(world: World) -> Feedback:
    draft = Draft(FeedbackKind.SUGGESTION, FeedbackTopic.OTHER, "=1+1")
    return feedback_steps.send(world.session, world.actor("党员甲"), draft=draft, now=NOW)


def copy_of(world: World, name: str = "党员甲") -> DataCopy:
    copy = data_copies.request(world.session, world.actor(name), now=NOW)
    for _ in own_data.write(world.session, copy.id, now=NOW):
        pass
    return copy


def fetched(world: World, copy: DataCopy) -> dict[str, Any]:
    vault = world.session.info["vault"]
    token = COPY_LINKS.make(vault, copy.id, copy.member_id, now=NOW)
    file = data_copies.open_linked(world.session, token, now=NOW)
    archive = zipfile.ZipFile(io.BytesIO(file.content))
    return {
        name: archive.read(name).decode()
        if name.endswith(".txt")
        else json.loads(archive.read(name))
        for name in archive.namelist()
    }


def test_every_table_about_a_member_is_copied_or_left_out_for_a_reason() -> None:
    """A new table is entered in PARTS, or in LEFT_OUT with the reason."""
    # The whole product, with every table that it has.
    importlib.import_module("api.app")
    about = {
        table.name
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name == "member" and key.parent.name == "member_id"
    }
    personal = about | {*DELETED, *KEPT, *(one.table for one in EMPTIED)}
    said = [*LEFT_OUT, *(part.table for part in PARTS), "ledger_entry"]

    assert personal - set(said) == set()
    assert len(said) == len(set(said))
    assert set(said) <= Base.metadata.tables.keys()


def test_copy_holds_what_is_known_of_its_member_and_of_nobody_else(world: World) -> None:
    found = fetched(world, copy_of(world))

    (member,) = found["member.json"]
    assert (member["name"], member["phone"]) == ("党员甲", world.phones["党员甲"])
    assert found["member_channel_address.json"][0]["address"] == "jia@example.org"
    assert found["affiliation.json"][0]["organization_name"] == "一支部"
    assert len(found["claim.json"]) == 1
    (entry,) = found["ledger_entry.json"]
    assert entry["points"] == 100
    assert any("1 分" in step for step in entry["explanation"])
    assert found["feedback.json"][0]["text"] == "=1+1"
    assert [one["note"] for one in found["feedback_step.json"]] == ["", "已采纳"]
    assert all(f"{part.table}.json：{part.title}" in found["说明.txt"] for part in PARTS)
    whole = json.dumps(found, ensure_ascii=False)
    others = {name: member_id for name, member_id in world.members.items() if name != "党员甲"}
    assert [name for name in others if name in whole] == []
    assert [name for name, member_id in others.items() if str(member_id) in whole] == []


def test_no_secret_of_signing_in_is_copied(world: World) -> None:
    found = fetched(world, copy_of(world))

    columns = {
        name for rows in found.values() if isinstance(rows, list) for r in rows for name in r
    }
    assert {
        one for one in columns if one.endswith(("_hash", "_index", "_sealed", "_digest"))
    } == set()
    assert not {"password_hash", "token_digest", "verify_code"} & columns


def test_long_life_takes_as_many_statements_as_a_short_one(world: World) -> None:
    numbers = []
    for times in (0, 3):
        for _ in range(times):
            send_feedback(world)
        copy = data_copies.request(world.session, world.actor("党员甲"), now=NOW)
        world.session.flush()
        with counted_statements(world.session) as seen:
            list(own_data.write(world.session, copy.id, now=NOW))
        numbers.append(len([one for one in seen if "FETCH FORWARD" not in one]))

    # One for each part, and a few around them.
    assert numbers[0] == numbers[1] <= len(PARTS) + 10


def test_link_ends_and_opens_nothing_of_others(world: World) -> None:
    session, copy = world.session, copy_of(world)
    vault = session.info["vault"]
    own = COPY_LINKS.make(vault, copy.id, copy.member_id, now=NOW)
    foreign = COPY_LINKS.make(vault, copy.id, world.members["党员乙"], now=NOW)

    with pytest.raises(LinkInvalid):
        data_copies.open_linked(session, own, now=NOW + COPY_LINKS.lifetime)
    with pytest.raises(LinkInvalid):
        data_copies.open_linked(session, foreign, now=NOW)
    assert data_copies.list_own(session, world.actor("党员乙"), now=NOW) == []


def test_two_copies_a_day(world: World) -> None:
    actor = world.actor("党员甲")
    for _ in range(2):
        data_copies.request(world.session, actor, now=NOW)

    with pytest.raises(TooManyTries):
        data_copies.request(world.session, actor, now=NOW)
    assert data_copies.request(world.session, actor, now=NOW + timedelta(days=1))


def test_copy_is_gone_after_its_term_and_with_its_member(world: World) -> None:
    session, first = world.session, copy_of(world)
    assert first.expires_at == NOW + timedelta(days=3)
    assert data_copies.purge(session, ended_before=NOW) == 0
    assert data_copies.purge(session, ended_before=NOW + timedelta(seconds=1)) == 1
    second_id = data_copies.request(session, world.actor("党员甲"), now=NOW).id

    erasures.apply(session, [world.members["党员甲"]], now=NOW)

    assert session.scalars(sa.select(DataCopy.id)).all() == []
    with pytest.raises(NotFound):
        list(own_data.write(session, second_id, now=NOW))
