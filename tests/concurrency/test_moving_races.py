"""Transfers and absences of one member, wanted at the same moment by several people."""

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.config import Settings
from members import migrant_closings, migrant_hosts, migrant_touches, migrants
from members.access_models import Role, RoleGrant
from members.contact.models import RecordedFact
from members.migrant_closings import Return
from members.migrant_hosts import Arrival
from members.migrant_models import CardOutcome, HostPlacement, MigrantRegistration, TouchKind
from members.migrant_touches import Touch
from members.models import Affiliation, AffiliationKind
from members.transfer_answers import Acceptance
from members.transfer_models import Transfer
from notifications import transfer_steps
from notifications.models import OutboxMessage
from tests.concurrency.arena import Act, Arena
from tests.depth import far
from tests.members.moving import Moving
from tests.world import NOW, TODAY

RACES = far(deep=200, quick=24)


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        # Two leaders of the receiving branch, so that two people can accept.
        arena.alone(lambda session: _second_leader(arena, session))
        yield arena


def _second_leader(arena: Arena, session: Session) -> None:
    session.add(
        RoleGrant(
            member_id=arena.world.members["党员丙"],
            role=Role.DEPUTY_SECRETARY,
            organization_id=arena.world.organizations["二支部"],
            valid_from=date(2020, 1, 1),
            granted_at=NOW,
        )
    )


def send(arena: Arena, name: str, member_id: UUID, to: str = "二支部") -> Act:
    letter = Moving(arena.world).letter(to)
    return lambda session: (
        transfer_steps.send(
            session, arena.actor(session, name), member_id, letter=letter, now=NOW
        ).id
    )


def accept(arena: Arena, name: str, transfer_id: UUID) -> Act:
    return lambda session: transfer_steps.accept(
        session, arena.actor(session, name), transfer_id, acceptance=Acceptance(TODAY), now=NOW
    )


def withdraw(arena: Arena, name: str, transfer_id: UUID) -> Act:
    return lambda session: transfer_steps.withdraw(
        session, arena.actor(session, name), transfer_id, reason="写错了", now=NOW
    )


def register(arena: Arena, name: str, member_id: UUID) -> Act:
    moving = Moving(arena.world)
    return lambda session: (
        migrants.register(
            session,
            arena.actor(session, name),
            member_id,
            absence=moving.absence(),
            arrangement=moving.arrangement("组长", "二支部"),
            now=NOW,
        ).id
    )


def branches_of(arena: Arena, member_id: UUID) -> list[tuple[UUID, date | None]]:
    query = (
        sa.select(Affiliation.organization_id, Affiliation.valid_to)
        .filter_by(member_id=member_id, kind=AffiliationKind.PRIMARY)
        .order_by(Affiliation.valid_from)
    )
    return [(row[0], row[1]) for row in arena.alone(lambda s: s.execute(query).all())]


def test_transfer_is_accepted_once(arena: Arena) -> None:
    places = arena.world.organizations
    for member_id in arena.add_members(RACES):
        transfer_id = arena.alone(send(arena, "书记一", member_id))

        finishes = arena.race(
            accept(arena, "书记二", transfer_id),
            accept(arena, "党员丙", transfer_id),
            pauses=(arena.pause(), arena.pause()),
        )

        refusals = [finish.refusal.code for finish in finishes if finish.refusal]
        assert refusals == ["transfer.already_decided"]
        assert branches_of(arena, member_id) == [
            (places["一支部"], TODAY),
            (places["二支部"], None),
        ]
    facts = sa.select(sa.func.count(RecordedFact.id)).filter_by(kind="transfer_accepted")
    assert arena.alone(lambda session: session.scalar(facts)) == RACES
    told = sa.select(sa.func.count(OutboxMessage.id)).filter_by(kind="transfer_accepted")
    # To the member and the two leaders of the sender.
    assert arena.alone(lambda session: session.scalar(told)) == 3 * RACES


def test_accepted_or_withdrawn_and_never_both(arena: Arena) -> None:
    places = arena.world.organizations
    accepted = 0
    for member_id in arena.add_members(RACES):
        transfer_id = arena.alone(send(arena, "书记一", member_id))

        taken, withdrawn = arena.race(
            accept(arena, "书记二", transfer_id),
            withdraw(arena, "副书记一", transfer_id),
            pauses=(arena.pause(), arena.pause()),
        )

        assert taken.won is not withdrawn.won
        accepted += taken.won
        history = branches_of(arena, member_id)
        last = places["二支部"] if taken.won else places["一支部"]
        assert (len(history), history[-1]) == (1 + taken.won, (last, None))
    assert 0 < accepted < RACES


def test_member_is_sent_to_one_place_at_a_time(arena: Arena) -> None:
    for member_id in arena.add_members(RACES):
        finishes = arena.race(
            send(arena, "书记一", member_id),
            send(arena, "副书记一", member_id, "三支部"),
            pauses=(arena.pause(), arena.pause()),
        )

        refusals = [finish.refusal.code for finish in finishes if finish.refusal]
        assert refusals == ["transfer.open"]
    sent = sa.select(sa.func.count(Transfer.id))
    assert arena.alone(lambda session: session.scalar(sent)) == RACES


def test_member_is_registered_once(arena: Arena) -> None:
    for member_id in arena.add_members(RACES):
        finishes = arena.race(
            register(arena, "书记一", member_id),
            register(arena, "副书记一", member_id),
            pauses=(arena.pause(), arena.pause()),
        )

        refusals = [finish.refusal.code for finish in finishes if finish.refusal]
        assert refusals == ["migrant.registered"]
    live = sa.select(sa.func.count(MigrantRegistration.id))
    assert arena.alone(lambda session: session.scalar(live)) == RACES


def take_in(arena: Arena, placement_id: UUID) -> Act:
    return lambda session: migrant_hosts.accept(
        session, arena.actor(session, "书记二"), placement_id, arrival=Arrival(TODAY), now=NOW
    )


def close(arena: Arena, registration_id: UUID, class_decision: str = "") -> Act:
    back = Return(TODAY, CardOutcome.CHECKED, class_decision)
    return lambda session: migrant_closings.close(
        session, arena.actor(session, "书记一"), registration_id, back=back, now=NOW
    )


def touch(arena: Arena, registration_id: UUID, on: date) -> Act:
    told = Touch(TouchKind.ANSWERED_CALL, on)
    return lambda session: migrant_touches.record(
        session, arena.actor(session, "组长"), registration_id, touch=told, now=NOW
    )


def scalar(arena: Arena, query: sa.Select[Any]) -> Any:
    return arena.alone(lambda session: session.scalar(query))


def test_host_takes_nobody_in_who_is_back(arena: Arena) -> None:
    """The host accepts while the home branch records the return, and two touches arrive."""
    early, late = date(2026, 11, 3), date(2026, 11, 9)
    for member_id in arena.add_members(RACES):
        key = arena.alone(register(arena, "书记一", member_id))
        placement = sa.select(HostPlacement.id).filter_by(registration_id=key)

        taken, closed, first, second = arena.race(
            take_in(arena, scalar(arena, placement)),
            close(arena, key),
            touch(arena, key, late),
            touch(arena, key, early),
            pauses=[arena.pause() for _ in range(4)],
        )

        assert closed.won
        assert taken.won or str(getattr(taken.refusal, "code", "")) == "host.already_answered"
        still_open = sa.select(sa.func.count(Affiliation.id)).where(
            Affiliation.member_id == member_id, Affiliation.valid_to.is_(None)
        )
        # Only the primary affiliation is open, whoever came first.
        assert scalar(arena, still_open) == 1
        last = sa.select(MigrantRegistration.last_touch_on).filter_by(id=key)
        assert scalar(arena, last) == (late if first.won else early if second.won else None)


def test_return_and_transfer_at_once_end_the_absence_once(arena: Arena) -> None:
    """Both take the member, his registration and his class; neither waits for ever."""
    returned = 0
    for member_id in arena.add_members(RACES):
        key = arena.alone(register(arena, "书记一", member_id))
        transfer_id = arena.alone(send(arena, "书记一", member_id))

        back, moved = arena.race(
            close(arena, key, "支委会研究"),
            accept(arena, "书记二", transfer_id),
            pauses=(arena.pause(), arena.pause()),
        )

        assert moved.won
        returned += back.won
        outcome = sa.select(MigrantRegistration.card_outcome).filter_by(id=key)
        assert scalar(arena, outcome) == ("checked" if back.won else "lapsed")
        if back.refusal:
            # Once he belongs elsewhere, he is out of the old branch's sight.
            assert back.refusal.code in ("not_found", "migrant.changed")
    assert 0 < returned < RACES
