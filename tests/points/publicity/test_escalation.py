"""Overdue objections go to the body above; who has stepped back answers none."""

from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFound
from members.access_models import Role
from notifications.models import OutboxMessage
from points import (
    bulletins,
    objection_decisions,
    objection_escalation,
    objections,
    recusals,
    review,
    verification,
)
from points.objection_decisions import DeciderRecused, Verdict
from points.publicity_models import Objection, ObjectionEvent
from tests.points.publicity.scene import approve, publish, publish_richer, read
from tests.statements import counted_statements
from tests.world import NOW, World, build_world

# NOW is a Tuesday: ten working days end on Tuesday the 24th.
DUE = NOW + timedelta(days=14)
OVERDUE = DUE + timedelta(days=1)


@pytest.fixture
def world(session: Session) -> World:
    world = build_world(session)
    publish_richer(world)
    return world


def contest(world: World, *names: str) -> list[UUID]:
    """Objections of members against their own entries, which 书记一 has approved."""
    entries = approve(world, "书记一", *(world.add_claim(name, "一支部") for name in names))
    filed = [
        objections.file_on_entry(
            world.session, world.actor(name), entry_id, reason="时长不实", now=NOW
        )
        for name, entry_id in zip(names, entries, strict=True)
    ]
    return [one.id for one in filed]


def body_of(world: World, objection_id: UUID) -> str:
    key = read(world.session, Objection, objection_id).deciding_organization_id
    return next(name for name, one in world.organizations.items() if one == key)


def decide(world: World, who: str, objection_id: UUID) -> Objection:
    return objection_decisions.decide(
        world.session,
        world.actor(who),
        objection_id,
        verdict=Verdict.UPHELD,
        reply="属实",
        now=OVERDUE,
    )


def recuse(world: World, who: str, member: str) -> None:
    recusals.for_member(
        world.session, world.actor(who), world.members[member], reason="亲属", now=NOW
    )


def test_overdue_objection_goes_up_and_is_decided_there(world: World) -> None:
    (objection_id,) = contest(world, "党员甲")
    assert body_of(world, objection_id) == "一支部"

    assert objection_escalation.escalate_overdue(world.session, now=OVERDUE) == 1

    assert body_of(world, objection_id) == "街道"
    with pytest.raises(NotFound):
        decide(world, "副书记一", objection_id)
    assert decide(world, "街道干事", objection_id).status == "upheld"
    assert verification.verify(world.session).findings == []


def test_answer_in_time_stays_where_it_is(world: World) -> None:
    (objection_id,) = contest(world, "党员甲")

    assert objection_escalation.escalate_overdue(world.session, now=DUE) == 0

    assert body_of(world, objection_id) == "一支部"


def test_time_to_answer_begins_anew_and_ends_at_the_top(world: World) -> None:
    (objection_id,) = contest(world, "党员甲")
    objection_escalation.escalate_overdue(world.session, now=OVERDUE)
    assert objection_escalation.escalate_overdue(world.session, now=OVERDUE) == 0

    later = OVERDUE + timedelta(days=30)
    assert objection_escalation.escalate_overdue(world.session, now=later) == 1
    assert body_of(world, objection_id) == "区委"
    much_later = later + timedelta(days=30)
    assert objection_escalation.escalate_overdue(world.session, now=much_later) == 0

    kinds = sa.select(ObjectionEvent.kind, ObjectionEvent.actor_id, ObjectionEvent.note)
    steps = world.session.execute(kinds.order_by(ObjectionEvent.at)).all()
    assert [tuple(step) for step in steps[1:]] == [
        ("escalated", None, "逾期没有答复，由一支部转街道"),
        ("escalated", None, "逾期没有答复，由街道转区委"),
    ]


def test_both_bodies_and_both_people_are_told(world: World) -> None:
    entries = approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    publish(world)
    objections.file_on_entry(
        world.session, world.actor("党员乙"), entries[0], reason="时长不实", now=NOW
    )

    objection_escalation.escalate_overdue(world.session, now=OVERDUE)

    told = world.session.scalars(
        sa.select(OutboxMessage).where(OutboxMessage.kind == "objection_escalated")
    ).all()
    names = {world.members[name] for name in ("党员甲", "党员乙", "副书记一", "街道干事")}
    assert {one.member_id for one in told} == names
    assert {(one.params["former"], one.params["body"]) for one in told} == {("一支部", "街道")}


def test_decided_and_withdrawn_ones_stay(world: World) -> None:
    first, second = contest(world, "党员甲", "党员乙")
    decide(world, "副书记一", first)
    objections.withdraw(world.session, world.actor("党员乙"), second, now=NOW)

    assert objection_escalation.escalate_overdue(world.session, now=OVERDUE) == 0


@pytest.mark.parametrize("count", [1, 40])
def test_escalation_is_a_constant_number_of_statements(world: World, count: int) -> None:
    contest(world, *["党员甲"] * count)

    with counted_statements(world.session) as seen:
        assert objection_escalation.escalate_overdue(world.session, now=OVERDUE) == count

    # Objections, calendar, staff and recusals, names, moves, steps, messages.
    assert len(seen) == 8


def test_recused_decider_is_refused_and_another_decides(world: World) -> None:
    world.grant("党员乙", Role.DEPUTY_SECRETARY, "一支部")
    (objection_id,) = contest(world, "党员甲")
    recuse(world, "副书记一", "党员甲")

    assert body_of(world, objection_id) == "一支部"
    with pytest.raises(DeciderRecused):
        decide(world, "副书记一", objection_id)
    assert decide(world, "党员乙", objection_id).status == "upheld"


def test_objection_goes_up_when_the_last_decider_steps_back(world: World) -> None:
    first, second = contest(world, "党员甲", "党员乙")

    recuse(world, "副书记一", "党员甲")

    assert (body_of(world, first), body_of(world, second)) == ("街道", "一支部")
    moved = read(world.session, Objection, first)
    assert moved.reply_due_on == read(world.session, Objection, second).reply_due_on
    step = world.session.scalars(
        sa.select(ObjectionEvent).where(ObjectionEvent.kind == "escalated")
    ).one()
    assert (step.actor_id, step.note) == (
        world.members["副书记一"],
        "原答复人已回避，由一支部转街道",
    )


def test_new_objection_passes_by_who_has_stepped_back(world: World) -> None:
    recuse(world, "副书记一", "党员甲")

    (objection_id,) = contest(world, "党员甲")

    assert body_of(world, objection_id) == "街道"


def test_recusal_from_a_claim_binds_about_its_entry_only(world: World) -> None:
    mine, others = (
        world.add_claim("党员甲", "一支部"),
        world.add_claim("党员甲", "一支部", minutes=30),
    )
    deputy = world.actor("副书记一")
    recusals.for_claim(world.session, deputy, mine, reason="共同参加", now=NOW)
    entry_of_mine = approve_newest(world, mine)
    (entry_of_others,) = approve(world, "书记一", others)
    filed = [
        objections.file_on_entry(
            world.session, world.actor("党员甲"), entry_id, reason="时长不实", now=NOW
        ).id
        for entry_id in (entry_of_mine, entry_of_others)
    ]

    assert [body_of(world, one) for one in filed] == ["街道", "一支部"]


def approve_newest(world: World, claim_id: UUID) -> UUID:
    """A recusal has moved the claim's version on."""
    decision = review.Decision(claim_id, 2, review.Action.APPROVE)
    (result,) = review.review(world.session, world.actor("书记一"), [decision], now=NOW)
    assert result.entry_id is not None
    return result.entry_id


def test_open_objection_still_keeps_its_bulletin_open(world: World) -> None:
    (entry_id,) = approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    bulletin = publish(world)
    objections.file_on_entry(
        world.session, world.actor("党员甲"), entry_id, reason="时长不实", now=NOW
    )
    objection_escalation.escalate_overdue(world.session, now=OVERDUE)

    assert bulletins.close_ripe(world.session, now=OVERDUE) == 0
    assert bulletin.status == "open"
