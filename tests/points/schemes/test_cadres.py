"""Cadres: appointed by others, scored by their own scheme, and never among members' points."""

import copy
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Forbidden, NotFound
from core.ids import new_id
from members import cadres
from members.cadres import Appointment, CadreDatesReversed, CadreEnded, CadreOverlap
from points import (
    balances,
    cadre_points,
    crediting,
    entries,
    explanations,
    ledger,
    scheme_reading,
    subjects,
)
from points.cadre_points import NotACadre
from points.crediting import Credited, Occasion
from points.definitions import Event
from points.entries import LedgerView
from points.models import Subject
from points.scheme_texts import SchemeText
from tests.points.schemes.drafting import draft, item_of, publish
from tests.points.schemes.test_simulation import changes_of, simulate
from tests.world import NOW, SCHEME, TODAY, World, build_world

DAY = date(2026, 11, 7)


@pytest.fixture
def world(session: Session) -> World:
    """党员甲 is a cadre of 一支部 since March; the district has a scheme for cadres."""
    world = build_world(session)
    appoint(world)
    data: dict[str, Any] = copy.deepcopy(SCHEME)
    data |= {"code": "cadre-points", "name": "村（社区）干部积分", "subject": "cadres"}
    item_of(data, "commended")["points"] = "8"
    made = draft(world, text=SchemeText(data))
    publish(world, made.id, on=date(2026, 1, 1))
    return world


def appoint(
    world: World,
    name: str = "党员甲",
    place: str = "一支部",
    *,
    by: str = "街道干事",
    terms: tuple[date, date | None] = (date(2026, 3, 1), None),
) -> Any:
    made = Appointment(world.organizations[place], "社区主任", "街工委〔2026〕3号", *terms)
    return cadres.appoint(world.session, world.actor(by), world.members[name], terms=made, now=NOW)


def commend(world: World, subject: str = "cadres", points: int = 600) -> Credited:
    """What an adjustment does: one entry about 党员甲, entered by an officer of his street."""
    places = (world.organizations[one].hex for one in ("区委", "街道", "一支部"))
    occasion = Occasion(
        source_kind="adjustment",
        source_id=new_id(),
        revision=1,
        member_id=world.members["党员甲"],
        organization_id=world.organizations["一支部"],
        path=f"/{'/'.join(places)}/",
        title="受到表彰",
        happened_on=DAY,
        event=Event.MANUAL,
        item_code="commended",
        points=points,
        subject=subject,
    )
    made = crediting.credit(world.session, world.actor("街道干事"), [occasion], now=NOW)
    return made[occasion.source_id]


def test_cadre_has_points_of_his_own_beside_those_as_a_member(world: World) -> None:
    commend(world)
    commend(world, "party_members", 300)
    me = world.actor("党员甲")

    as_cadre = cadre_points.get_own(world.session, me, year=2026)
    as_member = balances.get_own(world.session, me, year=2026)

    assert (as_cadre.score.total, as_member.total) == (6600, 6300)
    assert as_cadre.scheme.definition.name == "村（社区）干部积分"


def test_lists_never_mix_subjects(world: World) -> None:
    cadre, member = commend(world), commend(world, "party_members")
    place = world.organizations["一支部"]

    for subject, expected in ((Subject.CADRES, cadre), (Subject.PARTY_MEMBERS, member)):
        own = entries.list_own(
            world.session, world.actor("党员甲"), subject=subject, after=None, limit=9
        )
        ledger_page = entries.list_of_organization(
            world.session,
            world.actor("街道干事"),
            place,
            view=LedgerView(subject),
            after=None,
            limit=9,
        )
        for page in (own, ledger_page):
            assert [row.LedgerEntry.id for row in page.items] == [expected.entry_id]
    plain = entries.list_own(world.session, world.actor("党员甲"), after=None, limit=9)
    assert [row.LedgerEntry.id for row in plain.items] == [member.entry_id]


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("党员甲", True),
        ("街道干事", True),
        ("区管理员", True),
        ("审计员", True),
        ("书记一", False),
        ("副书记一", False),
        ("党员乙", False),
        ("书记三", False),
    ],
)
def test_entry_of_a_cadre_is_read_by_himself_and_those_above_the_branch(
    world: World, name: str, may: bool
) -> None:
    entry_id = commend(world).entry_id
    assert entry_id is not None
    actor = world.actor(name)

    if may:
        assert explanations.explain(world.session, actor, entry_id).steps
    else:
        with pytest.raises(NotFound):
            explanations.explain(world.session, actor, entry_id)


def test_branch_leader_does_not_take_back_what_he_may_not_read(world: World) -> None:
    entry_id = commend(world).entry_id
    assert entry_id is not None

    with pytest.raises(NotFound):
        ledger.reverse(world.session, world.actor("书记一"), entry_id, reason="重复", now=NOW)


def test_ledger_of_cadres_is_closed_to_branch_leaders(world: World) -> None:
    with pytest.raises(NotFound):
        entries.list_of_organization(
            world.session,
            world.actor("书记一"),
            world.organizations["一支部"],
            view=LedgerView(Subject.CADRES),
            after=None,
            limit=9,
        )


def test_roles_that_read_a_subject(world: World) -> None:
    path = world.actor("党员甲").organization_path
    readers = {
        subject: {
            name
            for name in world.members
            if subjects.may_read_subject(world.actor(name), subject, path)
        }
        for subject in Subject
    }

    assert readers[Subject.CADRES] == {"街道干事", "区管理员", "审计员"}
    assert readers[Subject.PARTY_MEMBERS] == readers[Subject.CADRES] | {"书记一", "副书记一"}


def test_rules_for_cadres_are_for_cadres(world: World) -> None:
    own = scheme_reading.get_in_force(world.session, world.actor("党员甲"), subject=Subject.CADRES)
    assert own.definition.subject == "cadres"

    with pytest.raises(NotACadre):
        scheme_reading.get_in_force(world.session, world.actor("党员乙"), subject=Subject.CADRES)
    with pytest.raises(NotACadre):
        cadre_points.get_own(world.session, world.actor("党员乙"), year=2026)


@pytest.mark.parametrize(
    ("name", "place", "by", "refusal"),
    [
        ("街道干事", "街道", "街道干事", Forbidden),
        ("党员丁", "一支部", "街道干事", NotFound),
        ("党员乙", "三支部", "街道干事", NotFound),
        ("党员乙", "一支部", "书记一", Forbidden),
        ("党员甲", "二支部", "街道干事", CadreOverlap),
    ],
)
def test_appointment_that_may_not_be_is_refused(
    world: World, name: str, place: str, by: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        appoint(world, name, place, by=by)


def test_appointment_ends_once_and_not_before_it_began(world: World) -> None:
    officer = world.actor("街道干事")
    (row,) = cadres.list_cadres(world.session, officer, world.organizations["街道"])
    appointment_id = row.CadreAppointment.id
    with pytest.raises(CadreDatesReversed):
        cadres.end(world.session, officer, appointment_id, on=date(2026, 3, 1))

    cadres.end(world.session, officer, appointment_id, on=TODAY)

    assert cadres.list_cadres(world.session, officer, world.organizations["街道"]) == []
    with pytest.raises(CadreEnded):
        cadres.end(world.session, officer, appointment_id, on=TODAY)
    appoint(world, "党员甲", "二支部", terms=(TODAY, date(2027, 1, 1)))
    found = cadres.find_appointments(world.session, [world.members["党员甲"]], on=TODAY)
    assert found[world.members["党员甲"]][0] == world.organizations["二支部"]


def test_appointment_out_of_scope_is_absent(world: World) -> None:
    row = appoint(world, "党员丁", "三支部", by="区管理员")

    with pytest.raises(NotFound):
        cadres.end(world.session, world.actor("街道干事"), row.id, on=TODAY)
    with pytest.raises(NotFound):
        cadres.end(world.session, world.actor("街道干事"), new_id(), on=TODAY)


def test_cadres_scheme_is_simulated_over_cadres_only(world: World) -> None:
    commend(world)
    data: dict[str, Any] = copy.deepcopy(SCHEME) | {"code": "cadre-points", "subject": "cadres"}
    made = draft(world, text=SchemeText(data))

    report = simulate(world, made.id)

    (row,) = changes_of(world, report)
    change = row.SchemeSimulationChange
    assert report.simulation.examined == 1
    assert (change.total_before, change.total_after) == (6600, 6500)
    assert (
        world.session.scalar(sa.select(sa.func.count()).select_from(sa.text("ledger_entry"))) == 1
    )
