"""Migrant members: registered by their branch, hosted elsewhere, heard from, back again."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.ids import new_id
from members import (
    migrant_closings,
    migrant_contacts,
    migrant_hosts,
    migrant_places,
    migrant_reading,
    migrants,
)
from members.affiliations import DatesReversed, FutureDate, WrongPlace
from members.migrant_access import OwnRegistration, RegistrationChanged
from members.migrant_closings import CardUnchecked, Return
from members.migrant_contacts import WrongContact
from members.migrant_models import (
    CardOutcome,
    MigrantContact,
    MigrantRegistration,
    RegistrationStatus,
)
from members.migrant_rules import NotACity
from members.migrants import AlreadyRegistered
from members.models import MemberClass, MemberClassification
from tests.members.moving import LEFT_ON, Moving
from tests.world import NOW, TODAY, build_world

CHECKED = CardOutcome.CHECKED
DECISION = "支委会 2026 年 11 月 9 日研究"


@pytest.fixture
def moving(session: Session) -> Moving:
    return Moving(build_world(session))


def classes(moving: Moving, who: str = "党员甲") -> list[tuple[str, date, date | None]]:
    model = MemberClassification
    query = sa.select(model.member_class, model.valid_from, model.valid_to)
    rows = moving.session.execute(
        query.where(model.member_id == moving.id(who)).order_by(model.valid_from, model.id)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def test_proposal_is_not_typed_again(moving: Moving) -> None:
    world = moving.world
    proposed = migrants.propose(
        moving.session, world.actor("党员甲"), absence=moving.absence(), now=NOW
    )
    assert proposed.status == RegistrationStatus.PROPOSED
    # What he files about himself is contact with him.
    assert moving.facts() == [("own_report", TODAY)]

    opened = migrants.accept_proposal(
        moving.session,
        world.actor("书记一"),
        proposed.id,
        arrangement=moving.arrangement(),
        now=NOW,
    )

    assert opened.status == RegistrationStatus.OPEN
    assert (opened.city, opened.decided_by) == ("陕西省西安市", moving.id("书记一"))
    with pytest.raises(RegistrationChanged):
        migrants.decline_proposal(
            moving.session, world.actor("书记一"), proposed.id, reason="晚了", now=NOW
        )


def test_proposal_is_declined_with_a_reason_or_taken_back(moving: Moving) -> None:
    actor, session = moving.world.actor, moving.session
    absence = moving.absence()
    first = migrants.propose(session, actor("党员甲"), absence=absence, now=NOW)
    with pytest.raises(AlreadyRegistered):
        migrants.propose(session, actor("党员甲"), absence=absence, now=NOW)
    migrants.decline_proposal(session, actor("书记一"), first.id, reason="不足一月", now=NOW)
    second = migrants.propose(session, actor("党员甲"), absence=absence, now=NOW)
    migrants.withdraw_proposal(session, actor("党员甲"), now=NOW)

    session.refresh(second)
    assert (first.status, second.status) == ("declined", "withdrawn")
    with pytest.raises(NotFound):
        migrants.withdraw_proposal(session, actor("党员甲"), now=NOW)


def test_nobody_registers_or_closes_himself(moving: Moving) -> None:
    with pytest.raises(OwnRegistration):
        moving.register("书记一")
    own = moving.register("书记一", by="副书记一")
    arguments = (moving.session, moving.world.actor("书记一"), own.id)
    with pytest.raises(OwnRegistration):
        migrant_closings.close(*arguments, back=Return(TODAY, CHECKED), now=NOW)
    with pytest.raises(OwnRegistration):
        migrant_contacts.replace(*arguments, contact_id=moving.id("党员乙"), now=NOW)
    with pytest.raises(OwnRegistration):
        migrant_places.correct_place(*arguments, city="西安", expected_back_on=None, now=NOW)
    proposed = migrants.propose(
        moving.session, moving.world.actor("副书记一"), absence=moving.absence(), now=NOW
    )
    with pytest.raises(OwnRegistration):
        migrants.accept_proposal(
            moving.session,
            moving.world.actor("副书记一"),
            proposed.id,
            arrangement=moving.arrangement(),
            now=NOW,
        )


@pytest.mark.parametrize("column", ["decided_by", "closed_by"])
def test_database_refuses_a_decision_about_oneself(moving: Moving, column: str) -> None:
    registration = moving.register()
    with pytest.raises(IntegrityError):
        moving.session.execute(
            sa.update(MigrantRegistration)
            .where(MigrantRegistration.id == registration.id)
            .values(**{column: moving.id("党员甲")})
        )


def test_database_holds_one_registration_of_a_member(moving: Moving) -> None:
    registration = moving.register()
    columns = [c.name for c in MigrantRegistration.__table__.columns]
    values = {name: getattr(registration, name) for name in columns} | {"id": new_id()}
    with pytest.raises(IntegrityError):
        moving.session.execute(sa.insert(MigrantRegistration).values(**values))


def test_out_of_scope_is_not_found(moving: Moving) -> None:
    with pytest.raises(NotFound):
        moving.register(by="书记二")
    registration = moving.register()
    arguments = (moving.session, moving.world.actor("书记二"), registration.id)
    with pytest.raises(NotFound):
        migrant_closings.close(*arguments, back=Return(TODAY, CHECKED), now=NOW)
    with pytest.raises(NotFound):
        migrant_contacts.replace(*arguments, contact_id=moving.id("党员乙"), now=NOW)
    with pytest.raises(NotFound):
        migrant_hosts.ask_another(
            *arguments, organization_id=moving.world.organizations["三支部"], now=NOW
        )


def test_what_cannot_be_is_refused(moving: Moving) -> None:
    with pytest.raises(NotACity):
        moving.register(city="西安市雁塔区高新路1号")
    with pytest.raises(FutureDate):
        moving.register(left_on=TODAY + timedelta(days=1))
    with pytest.raises(DatesReversed):
        moving.register(expected_back_on=LEFT_ON)
    with pytest.raises(WrongContact):
        moving.register(arrangement=moving.arrangement("党员丙"))
    with pytest.raises(WrongContact):
        moving.register("党员乙", arrangement=moving.arrangement("党员乙"))
    with pytest.raises(WrongPlace):
        moving.register("副书记一", arrangement=moving.arrangement(host="一支部"))


def test_class_changes_only_by_a_decision(moving: Moving) -> None:
    registration = moving.register()
    assert classes(moving) == []
    back = Return(TODAY, CHECKED)
    actor = moving.world.actor("书记一")
    migrant_closings.close(moving.session, actor, registration.id, back=back, now=NOW)

    decided = moving.register(arrangement=moving.arrangement(class_decision=DECISION))
    assert classes(moving) == [(MemberClass.MIGRANT, TODAY, None)]
    assert decided.class_decision == DECISION

    back = Return(TODAY, CHECKED, class_decision="支委会研究恢复为普通党员")
    migrant_closings.close(moving.session, actor, decided.id, back=back, now=NOW)
    assert classes(moving)[-1] == (MemberClass.ORDINARY, TODAY, None)


def test_class_may_be_decided_later_and_once(moving: Moving) -> None:
    registration = moving.register()
    decide = migrants.decide_class
    arguments = (moving.session, moving.world.actor("书记一"), registration.id)
    with pytest.raises(NotFound):
        decide(moving.session, moving.world.actor("书记二"), registration.id, decision="x", now=NOW)

    decide(*arguments, decision=DECISION, now=NOW)

    assert classes(moving) == [(MemberClass.MIGRANT, TODAY, None)]
    with pytest.raises(RegistrationChanged):
        decide(*arguments, decision=DECISION, now=NOW)


def test_class_is_due_after_six_months_and_nothing_decides_it_by_itself(moving: Moving) -> None:
    moving.register()

    def is_due(on: date) -> bool:
        own = migrant_reading.find_own(moving.session, moving.world.actor("党员甲", on=on))
        assert own is not None
        return own.is_class_due

    assert [is_due(date(2027, 4, 7)), is_due(date(2027, 4, 8))] == [False, True]
    assert classes(moving) == []


def test_contact_person_who_moves_away_is_replaced_by_the_branch(moving: Moving) -> None:
    registration = moving.register()

    moving.accept(moving.send("组长"))

    actor = moving.world.actor("书记一")
    line = migrant_reading.get_file(moving.session, actor, registration.id).line
    assert line.contact_id is None
    migrant_contacts.replace(
        moving.session, actor, registration.id, contact_id=moving.id("党员乙"), now=NOW
    )
    line = migrant_reading.get_file(moving.session, actor, registration.id).line
    assert line.contact_name == "党员乙"


def test_contact_person_is_replaced_and_stays_on_record(moving: Moving) -> None:
    registration = moving.register()
    actor = moving.world.actor("副书记一")

    migrant_contacts.replace(
        moving.session, actor, registration.id, contact_id=moving.id("党员乙"), now=NOW
    )
    with pytest.raises(RegistrationChanged):
        migrant_contacts.replace(
            moving.session, actor, registration.id, contact_id=moving.id("党员乙"), now=NOW
        )

    rows = moving.session.scalars(sa.select(MigrantContact).order_by(MigrantContact.id)).all()
    assert [(row.contact_id, row.set_by, row.valid_to) for row in rows] == [
        (moving.id("组长"), moving.id("书记一"), TODAY),
        (moving.id("党员乙"), moving.id("副书记一"), None),
    ]


def test_card_is_checked_on_return_or_there_is_none(moving: Moving) -> None:
    actor = moving.world.actor("书记一")
    with_card = moving.register()
    without = moving.register("党员乙", holds_card=False, card_number="写错了")
    assert without.card_number == ""

    for registration, outcome in ((with_card, None), (without, CHECKED)):
        with pytest.raises(CardUnchecked):
            migrant_closings.close(
                moving.session, actor, registration.id, back=Return(TODAY, outcome), now=NOW
            )
    for registration, outcome in ((with_card, CardOutcome.LOST), (without, None)):
        back = Return(TODAY, outcome)
        migrant_closings.close(moving.session, actor, registration.id, back=back, now=NOW)
        with pytest.raises(RegistrationChanged):
            migrant_closings.close(moving.session, actor, registration.id, back=back, now=NOW)


def test_own_place_is_contact_and_what_others_enter_is_not(moving: Moving) -> None:
    registration = moving.register()
    assert moving.facts() == []
    migrant_places.correct_place(
        moving.session,
        moving.world.actor("书记一"),
        registration.id,
        city="宝鸡市",
        expected_back_on=None,
        now=NOW,
    )
    assert moving.facts() == []

    migrant_places.report_own_place(
        moving.session, moving.world.actor("党员甲"), city="咸阳市", expected_back_on=None, now=NOW
    )

    assert moving.facts() == [("own_report", TODAY)]
    assert registration.city == "咸阳市"
    with pytest.raises(NotFound):
        migrant_places.report_own_place(
            moving.session,
            moving.world.actor("党员乙"),
            city="咸阳市",
            expected_back_on=None,
            now=NOW,
        )
