"""The worked years again through the database: credited, granted under locks, scored, explained."""

from collections import defaultdict
from datetime import date
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.ids import new_id
from core.quantities import format_points
from members.models import MemberClassification
from points import crediting, explanations, schemes, scores, verification
from points.crediting import Occasion
from points.definition_lines import load
from points.models import LedgerEntry
from tests.points.schemes import paper
from tests.points.schemes.paper import Happening
from tests.world import LONG_AGO, NOW, World, build_world

WHO = "党员丙"
IN_LEDGER = [
    "chenggu-wudu-2022", "hanshan-2022", "honghe-culture-2024", "leave-and-dues", "luoping-2018",
    "quannan-2019", "tanghe-2021", "yantai-trier-2024",
]  # fmt: skip


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def publish(world: World, slug: str) -> str:
    """Put a published scheme in force at the branch of the member; the subject it is for."""
    data = load((paper.SCHEMES / f"{slug}.yaml").read_text(encoding="utf-8"))
    schemes.publish(
        world.session,
        world.organizations["二支部"],
        data,
        effective_from=date(paper.YEAR, 1, 1),
        published_by=None,
        now=NOW,
    )
    return str(data.get("subject", "party_members"))


def occasion(world: World, one: Happening, subject: str, member_class: str) -> Occasion:
    path = "/" + "".join(f"{world.organizations[name].hex}/" for name in ("区委", "街道", "二支部"))
    return Occasion(
        # Entered by hand, a deduction would wait for its objection window; here the rules count.
        source_kind="attendance",
        source_id=new_id(),
        revision=1,
        member_id=world.members[WHO],
        organization_id=world.organizations["二支部"],
        path=path,
        title=one.item_code,
        happened_on=one.on,
        event=one.event,
        tags=one.tags,
        status=one.status,
        grade=one.inputs["grade"],
        quantity=one.inputs["quantity"],
        points=one.inputs["points"],
        ratings=one.inputs["ratings"],
        item_code=one.item_code,
        member_class=member_class,
        subject=subject,
    )


@pytest.mark.parametrize("slug", IN_LEDGER)
def test_ledger_comes_to_what_was_worked_out_by_hand(world: World, slug: str) -> None:
    session, subject = world.session, publish(world, slug)
    definition = paper.read((paper.SCHEMES / f"{slug}.yaml").read_text(encoding="utf-8"))
    member = paper.members_of(f"examples/{slug}.yaml")[0]
    member_class, member_id = member.get("class", ""), world.members[WHO]
    if member_class:
        classify(world, member_class)
    months: dict[int, list[Occasion]] = defaultdict(list)
    for one in paper.happenings(definition, member["happened"]):
        months[one.on.month].append(occasion(world, one, subject, member_class))

    # As it happens: a month at a time, each in one batch.
    for month in sorted(months):
        crediting.credit(session, world.actor("书记二"), months[month], now=NOW)
    expected = member["expect"]
    score = scores.load_scores(
        session, [member_id], year=paper.YEAR, on=date(paper.YEAR, 12, 31), subject=subject
    )[member_id]

    assert score.total is not None
    assert (format_points(score.total), score.band) == (expected["total"], expected["band"])
    assert {one.code: format_points(one.points) for one in score.components} == (
        expected["components"]
    )
    entries = session.scalars(sa.select(LedgerEntry).order_by(LedgerEntry.seq)).all()
    assert len(entries) == sum(len(month) for month in months.values())
    assert verification.verify(session).findings == []
    for entry in entries:
        check_explained(world, entry)


def check_explained(world: World, entry: LedgerEntry) -> None:
    steps = explanations.explain(world.session, world.actor(WHO), entry.id).steps
    verb = "扣" if entry.asked < 0 else "计"
    told = "".join(steps)
    assert f"应{verb} {format_points(abs(entry.asked))} 分" in told
    assert f"实{verb} {format_points(abs(entry.points))} 分" in told
    if entry.binding_cap is not None:
        assert f"少{verb} {format_points(abs(entry.asked - entry.points))} 分" in told


def classify(world: World, member_class: str) -> UUID:
    row = MemberClassification(
        id=new_id(),
        member_id=world.members[WHO],
        member_class=member_class,
        valid_from=LONG_AGO,
        recorded_by=world.members["区管理员"],
    )
    world.session.add(row)
    world.session.flush()
    return row.id
