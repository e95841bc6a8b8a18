"""Host branches: asked, taking a migrant in or not, until he is back or his relation moves."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFound
from members import migrant_closings, migrant_hosts
from members.affiliations import DatesReversed, FutureDate, WrongPlace
from members.migrant_closings import Return
from members.migrant_hosts import Arrival, HostAsked, OwnPlacement, PlacementAnswered
from members.migrant_models import (
    CardOutcome,
    MigrantContact,
    PlacementStatus,
    RegistrationStatus,
)
from members.models import MemberClass, MemberClassification
from tests.members.moving import LEFT_ON, Moving
from tests.world import NOW, TODAY, build_world

CHECKED = CardOutcome.CHECKED


@pytest.fixture
def moving(session: Session) -> Moving:
    return Moving(build_world(session))


def test_host_accepts_into_a_group_and_the_return_ends_it(moving: Moving) -> None:
    world = moving.world
    registration = moving.register(
        "党员丙", by="书记二", arrangement=moving.arrangement("街道干事")
    )
    placement = migrant_hosts.ask_another(
        moving.session,
        world.actor("书记二"),
        registration.id,
        organization_id=world.organizations["一支部"],
        now=NOW,
    )
    with pytest.raises(HostAsked):
        migrant_hosts.ask_another(
            moving.session,
            world.actor("书记二"),
            registration.id,
            organization_id=world.organizations["三支部"],
            now=NOW,
        )
    arrival = Arrival(date(2026, 10, 9), world.organizations["一组"])
    accepted = migrant_hosts.accept(
        moving.session, world.actor("书记一"), placement.id, arrival=arrival, now=NOW
    )
    assert accepted.status == PlacementStatus.ACCEPTED
    assert moving.hostings("党员丙") == [(world.organizations["一支部"], None)]

    back = Return(date(2026, 11, 1), CHECKED)
    closed = migrant_closings.close(
        moving.session, world.actor("书记二"), registration.id, back=back, now=NOW
    )

    assert (closed.status, closed.card_outcome) == ("closed", "checked")
    assert moving.hostings("党员丙") == [(world.organizations["一支部"], date(2026, 11, 1))]
    assert moving.placement(registration).status == PlacementStatus.ENDED
    contact = moving.session.scalars(
        sa.select(MigrantContact).execution_options(populate_existing=True)
    ).one()
    # He was named after the day of return: his task covers no day.
    assert contact.valid_to == TODAY


def test_host_answers_once_in_its_own_scope_and_with_a_reason(moving: Moving) -> None:
    world = moving.world
    registration = moving.register(arrangement=moving.arrangement(host="二支部"))
    placement = moving.placement(registration)
    arrival = Arrival(TODAY)
    for name in ("书记一", "书记三"):
        with pytest.raises(NotFound):
            migrant_hosts.accept(
                moving.session, world.actor(name), placement.id, arrival=arrival, now=NOW
            )
    host = world.actor("书记二")
    for refusal, impossible in (
        (DatesReversed, Arrival(LEFT_ON - timedelta(days=1))),
        (FutureDate, Arrival(TODAY + timedelta(days=1))),
        (WrongPlace, Arrival(TODAY, world.organizations["一组"])),
    ):
        with pytest.raises(refusal):
            migrant_hosts.accept(moving.session, host, placement.id, arrival=impossible, now=NOW)
    declined = migrant_hosts.decline(
        moving.session, host, placement.id, reason="不在本地居住", now=NOW
    )
    assert declined.status == PlacementStatus.DECLINED
    with pytest.raises(PlacementAnswered):
        migrant_hosts.accept(moving.session, host, placement.id, arrival=arrival, now=NOW)
    # Another branch may be asked now.
    migrant_hosts.ask_another(
        moving.session,
        world.actor("书记一"),
        registration.id,
        organization_id=world.organizations["三支部"],
        now=NOW,
    )


def test_nobody_takes_himself_in(moving: Moving) -> None:
    registration = moving.register(
        "街道干事", by="书记二", arrangement=moving.arrangement("党员丙", "一支部")
    )
    placement = moving.placement(registration)
    with pytest.raises(OwnPlacement):
        migrant_hosts.accept(
            moving.session,
            moving.world.actor("街道干事"),
            placement.id,
            arrival=Arrival(TODAY),
            now=NOW,
        )


def test_host_lets_go_or_home_takes_back_and_the_absence_goes_on(moving: Moving) -> None:
    world = moving.world
    registration = moving.hosted()
    placement = moving.placement(registration)
    migrant_hosts.let_go(moving.session, world.actor("书记二"), placement.id, on=TODAY, now=NOW)
    assert moving.hostings() == [(world.organizations["二支部"], TODAY)]
    with pytest.raises(PlacementAnswered):
        migrant_hosts.let_go(moving.session, world.actor("书记二"), placement.id, on=TODAY, now=NOW)

    home = world.actor("书记一")
    migrant_hosts.ask_another(
        moving.session,
        home,
        registration.id,
        organization_id=world.organizations["三支部"],
        now=NOW,
    )
    migrant_hosts.take_back(moving.session, home, registration.id, on=TODAY, now=NOW)
    assert moving.placement(registration).status == PlacementStatus.WITHDRAWN
    assert registration.status == RegistrationStatus.OPEN


def test_transfer_of_the_relation_ends_the_absence(moving: Moving) -> None:
    decided = moving.arrangement(class_decision="支委会研究")
    registration = moving.register(arrangement=decided)
    migrant_hosts.ask_another(
        moving.session,
        moving.world.actor("书记一"),
        registration.id,
        organization_id=moving.world.organizations["二支部"],
        now=NOW,
    )
    placement = moving.placement(registration)
    migrant_hosts.accept(
        moving.session,
        moving.world.actor("书记二"),
        placement.id,
        arrival=Arrival(date(2026, 10, 9)),
        now=NOW,
    )

    moving.accept(moving.send())

    moving.session.refresh(registration)
    assert (registration.status, registration.card_outcome) == ("closed", "lapsed")
    assert moving.hostings() == [(moving.world.organizations["二支部"], TODAY)]
    # Whether he counts as a migrant is for the new branch to decide.
    (row,) = moving.session.scalars(sa.select(MemberClassification)).all()
    assert (row.member_class, row.valid_to) == (MemberClass.MIGRANT, None)
