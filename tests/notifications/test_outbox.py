"""Writing messages: once, in one statement, and no fourth reminder."""

from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from jobs.stop_conditions import STOP_CONDITIONS
from members.access_models import Role
from notifications import catalogue, inbox, outbox
from notifications.catalogue import KINDS
from notifications.message_kind import MessageKind
from notifications.models import Because, InboxMessage, OutboxMessage, OutboxState
from notifications.outbox import Message
from notifications.wording import salute
from tests.statements import counted_statements
from tests.world import NOW, World, build_world

PARAMS = {"title": "清扫社区", "reason": "请写明地点"}


def reminder(world: World, name: str, stage: int) -> Message:
    return Message(
        world.members[name], "claim_returned", f"claim-1:{stage}", PARAMS, topic="claim-1"
    )


def inbox_titles(session: Session, world: World, name: str) -> list[str]:
    inbox.deliver(session, now=NOW)
    return list(
        session.scalars(
            sa.select(InboxMessage.title)
            .where(InboxMessage.member_id == world.members[name])
            .order_by(InboxMessage.id)
        )
    )


@pytest.mark.parametrize("count", [1, 300])
def test_any_number_of_messages_takes_one_statement(session: Session, count: int) -> None:
    world = build_world(session)
    told = [
        Message(world.members["党员甲"], "claim_returned", str(number), PARAMS)
        for number in range(count)
    ]

    with counted_statements(session) as statements:
        outbox.enqueue(session, told, now=NOW)

    assert len(statements) == 1


def test_message_exists_once_per_person_and_occasion(session: Session) -> None:
    world = build_world(session)
    for _ in range(2):
        outbox.enqueue(session, [reminder(world, "党员甲", 1)], now=NOW)

    assert session.scalar(sa.select(sa.func.count()).select_from(OutboxMessage)) == 1


def test_fourth_reminder_becomes_a_task_to_phone(session: Session) -> None:
    world = build_world(session)
    for stage in (1, 2, 3):
        outbox.enqueue(session, [reminder(world, "党员甲", stage)], now=NOW)
        # What is already written is no further reminder.
        outbox.enqueue(session, [reminder(world, "党员甲", stage)], now=NOW)

    with counted_statements(session) as statements:
        outbox.enqueue(session, [reminder(world, "党员甲", 4)], now=NOW)
    outbox.enqueue(session, [reminder(world, "党员甲", 4), reminder(world, "党员甲", 5)], now=NOW)

    assert len(statements) == 4
    assert inbox_titles(session, world, "党员甲") == [KINDS["claim_returned"].title] * 3
    assert inbox_titles(session, world, "组长") == ["请打个电话"]
    assert inbox_titles(session, world, "书记一") == []
    kept_back = session.scalars(
        sa.select(OutboxMessage).where(OutboxMessage.state == OutboxState.CANCELLED)
    ).all()
    assert [one.suppressed_because for one in kept_back] == [Because.UNANSWERED] * 2


def test_about_a_branchs_leader_the_body_above_is_asked(session: Session) -> None:
    world = build_world(session)
    for stage in range(1, 5):
        outbox.enqueue(session, [reminder(world, "书记一", stage)], now=NOW)

    assert inbox_titles(session, world, "街道干事") == ["请打个电话"]


def test_nobody_is_asked_to_phone_himself(session: Session) -> None:
    world = build_world(session)
    session.execute(sa.text("DELETE FROM role_grant WHERE role = 'committee_officer'"))
    for stage in range(1, 5):
        outbox.enqueue(session, [reminder(world, "书记一", stage)], now=NOW)

    assert inbox_titles(session, world, "副书记一") == ["请打个电话"]


def test_other_topics_are_not_counted(session: Session) -> None:
    world = build_world(session)
    for stage in (1, 2, 3):
        outbox.enqueue(session, [reminder(world, "党员甲", stage)], now=NOW)
    other = Message(world.members["党员甲"], "claim_returned", "claim-2:1", PARAMS, topic="claim-2")
    outbox.enqueue(session, [other], now=NOW)

    assert len(inbox_titles(session, world, "党员甲")) == 4


def test_revoked_leader_is_asked_nothing(session: Session) -> None:
    world = build_world(session)
    session.execute(
        sa.text("UPDATE role_grant SET valid_to = '2026-01-01' WHERE role = :role"),
        {"role": Role.GROUP_LEADER},
    )
    for stage in range(1, 5):
        outbox.enqueue(session, [reminder(world, "党员甲", stage)], now=NOW)

    assert inbox_titles(session, world, "组长") == []
    assert inbox_titles(session, world, "书记一") == ["请打个电话"]


def test_template_of_a_newer_version_waits_for_its_release(session: Session) -> None:
    world = build_world(session)
    outbox.enqueue(session, [reminder(world, "党员甲", 1)], now=NOW)
    session.execute(sa.update(OutboxMessage).values(template_version=2))

    assert inbox_titles(session, world, "党员甲") == []


def test_message_is_told_in_the_words_of_its_own_version(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = build_world(session)
    outbox.enqueue(session, [reminder(world, "党员甲", 1)], now=NOW)
    old = KINDS["claim_returned"]
    monkeypatch.setitem(catalogue.EARLIER, (old.code, 1), old)
    monkeypatch.setitem(KINDS, old.code, replace(old, version=2, title="新的说法"))
    outbox.enqueue(session, [reminder(world, "党员甲", 2)], now=NOW)

    assert set(inbox_titles(session, world, "党员甲")) == {old.title, "新的说法"}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_leaves_the_house_is_short_and_says_nothing_of_the_person(
    kind: MessageKind,
) -> None:
    assert len(kind.matter) <= 20, "a registered template takes no more"
    assert "{" not in kind.matter


def test_every_stop_condition_has_its_function() -> None:
    assert {kind.stop for kind in KINDS.values()} - {""} <= STOP_CONDITIONS.keys()


@pytest.mark.parametrize(
    ("name", "salutation"),
    [
        ("王小明", "王同志"),
        ("欧阳明", "欧阳同志"),
        ("司马", "司同志"),
        ("买买提·吐尔逊", "买买提同志"),
        ("𠮷野", "𠮷同志"),
    ],
)
def test_salutation_is_surname_and_honorific(name: str, salutation: str) -> None:
    assert salute(name) == salutation
