"""Hearing from a migrant: recorded once by who keeps in touch, and what is due next."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.paging import InvalidCursor
from members import migrant_hosts, migrant_reading, migrant_touches, migrants
from members.affiliations import DatesReversed, FutureDate
from members.contact import policies
from members.contact.models import RecordedFact
from members.contact.rules import DEFAULT, PolicyUnderFloor
from members.migrant_access import OwnRegistration
from members.migrant_hosts import OwnPlacement, PlacementAnswered
from members.migrant_models import MigrantTouch, TouchKind
from members.migrant_touches import NotATalk, Touch
from notifications import migrant_reminders
from notifications.models import OutboxMessage
from tests.members.moving import LEFT_ON, Moving, days
from tests.statements import counted_statements
from tests.world import NOW, TODAY, build_world

CALL = TouchKind.ANSWERED_CALL


@pytest.fixture
def moving(session: Session) -> Moving:
    return Moving(build_world(session))


def touch(
    moving: Moving, registration_id: object, by: str = "组长", **told: object
) -> MigrantTouch:
    given = {"kind": CALL, "happened_on": TODAY} | told
    return migrant_touches.record(
        moving.session,
        moving.world.actor(by),
        registration_id,  # type: ignore[arg-type]
        touch=Touch(**given),  # type: ignore[arg-type]
        now=NOW,
    )


def test_touch_is_one_record_and_one_soft_contact(moving: Moving) -> None:
    registration = moving.register()

    made = touch(moving, registration.id, note="工作稳定")

    fact = moving.session.scalars(sa.select(RecordedFact)).one()
    assert (fact.source_id, fact.kind, fact.strength) == (made.id, "answered_call", "soft")
    assert moving.standing().last_soft_on == TODAY
    assert moving.standing().last_hard_on is None


def test_later_touch_entered_first_is_not_forgotten(moving: Moving) -> None:
    registration = moving.register()
    touch(moving, registration.id, is_talk=True)
    touch(moving, registration.id, happened_on=TODAY - timedelta(days=3), is_talk=True)

    assert (registration.last_touch_on, registration.last_talk_on) == (TODAY, TODAY)


def test_contact_person_and_leaders_record_and_nobody_else(moving: Moving) -> None:
    registration = moving.register()
    for name in ("组长", "副书记一", "街道干事"):
        touch(moving, registration.id, name)
    for name in ("党员乙", "书记二"):
        with pytest.raises(NotFound):
            touch(moving, registration.id, name)
    with pytest.raises(NotFound):
        touch(moving, registration.id, "党员甲")
    own = moving.register("副书记一")
    with pytest.raises(OwnRegistration):
        touch(moving, own.id, "副书记一")


def test_touch_that_cannot_have_been_is_refused(moving: Moving) -> None:
    registration = moving.register()
    with pytest.raises(FutureDate):
        touch(moving, registration.id, happened_on=TODAY + timedelta(days=1))
    with pytest.raises(DatesReversed):
        touch(moving, registration.id, happened_on=LEFT_ON - timedelta(days=1))
    with pytest.raises(NotATalk):
        touch(moving, registration.id, kind=TouchKind.REPLY, is_talk=True)


@pytest.mark.parametrize(
    "statement", ["UPDATE migrant_touch SET note = ''", "DELETE FROM migrant_touch"]
)
def test_touches_are_append_only(moving: Moving, statement: str) -> None:
    touch(moving, moving.register().id)
    with pytest.raises(DBAPIError):
        moving.session.execute(sa.text(statement))


def test_host_confirms_as_soft_contact_recorded_at_the_host(moving: Moving) -> None:
    registration = moving.hosted()
    placement = moving.placement(registration)

    def confirm(name: str) -> MigrantTouch:
        return migrant_touches.confirm_by_host(
            moving.session,
            moving.world.actor(name),
            placement.id,
            on=TODAY,
            note="按月参加",
            now=NOW,
        )

    confirm("书记二")

    fact = moving.session.scalars(sa.select(RecordedFact)).one()
    assert (fact.kind, fact.strength) == ("host_confirmed", "soft")
    assert fact.organization_id == moving.world.organizations["二支部"]
    for name in ("书记一", "书记三"):
        with pytest.raises(NotFound):
            confirm(name)
    migrant_hosts.let_go(
        moving.session, moving.world.actor("书记二"), placement.id, on=TODAY, now=NOW
    )
    with pytest.raises(PlacementAnswered):
        confirm("书记二")


def test_nobody_confirms_himself(moving: Moving) -> None:
    arrangement = moving.arrangement("党员丙", "一支部")
    registration = moving.register("街道干事", by="书记二", arrangement=arrangement)
    placement = moving.placement(registration)
    with pytest.raises(OwnPlacement):
        migrant_touches.confirm_by_host(
            moving.session, moving.world.actor("街道干事"), placement.id, on=TODAY, note="", now=NOW
        )


def test_reminder_comes_once_for_each_due_day_and_stops_when_heard_from(moving: Moving) -> None:
    registration = moving.register()
    remind = migrant_reminders.remind_contacts

    assert remind(moving.session, now=days(29)) == 0
    assert remind(moving.session, now=days(30)) == 1
    assert remind(moving.session, now=days(31)) == 1
    assert moving.told("migrant_touch_due") == {"组长"}
    count = sa.select(sa.func.count(OutboxMessage.id)).filter_by(kind="migrant_touch_due")
    assert moving.session.scalar(count) == 1
    later = moving.world.actor("组长", on=TODAY + timedelta(days=31))
    migrant_touches.record(
        moving.session,
        later,
        registration.id,
        touch=Touch(CALL, TODAY + timedelta(days=31)),
        now=days(31),
    )
    assert remind(moving.session, now=days(31)) == 0


def test_when_a_talk_is_due_it_is_asked_for(moving: Moving) -> None:
    moving.register()
    migrant_reminders.remind_contacts(moving.session, now=days(95))

    message = moving.session.scalars(
        sa.select(OutboxMessage).filter_by(kind="migrant_touch_due")
    ).one()
    assert message.params == {"name": "党员甲", "what": "同他谈一次心", "due": "2027-02-10"}


def test_a_district_says_how_often_and_never_less_than_every_half_year(moving: Moving) -> None:
    world, session = moving.world, moving.session
    registration = moving.register()
    admin, district = world.actor("区管理员"), world.organizations["区委"]
    seldom = replace(DEFAULT, touch_months=2, talk_months=6)

    policies.set_policy(session, admin, district, thresholds=seldom, version=0, now=NOW)

    remind = migrant_reminders.remind_contacts
    assert [remind(session, now=days(on)) for on in (60, 61)] == [0, 1]
    [line] = migrant_reading.list_away(
        session, world.actor("书记一"), world.organizations["一支部"], after=None, limit=9
    ).items
    assert line.registration.id == registration.id
    assert line.due is not None
    assert (line.due.touch_on, line.due.talk_on) == (date(2027, 1, 10), date(2027, 5, 10))
    for wrong, field in (
        ({"talk_months": 7}, "/talk_months"),
        ({"touch_months": 7}, "/touch_months"),
    ):
        with pytest.raises(PolicyUnderFloor) as refused:
            policies.set_policy(
                session, admin, district, thresholds=replace(seldom, **wrong), version=1, now=NOW
            )
        assert refused.value.problems[0].pointer == field
    with pytest.raises(DBAPIError), session.begin_nested():
        session.execute(sa.text("UPDATE contact_policy SET talk_months = 7"))


def test_leaders_hear_once_of_proposals_and_of_questions_to_host(moving: Moving) -> None:
    migrants.propose(
        moving.session, moving.world.actor("党员甲"), absence=moving.absence(), now=NOW
    )
    moving.register("党员乙", arrangement=moving.arrangement(host="二支部"))

    for _ in range(2):
        assert migrant_reminders.tell_waiting(moving.session, now=NOW) == 2

    assert moving.told("migrant_proposed") == {"书记一", "副书记一"}
    assert moving.told("host_asked") == {"书记二"}


def test_reminding_any_number_takes_as_many_statements(moving: Moving) -> None:
    counts = []
    for name in ("党员甲", "党员乙", "副书记一"):
        moving.register(name, arrangement=moving.arrangement(host="二支部"))
        with counted_statements(moving.session) as seen:
            migrant_reminders.remind_contacts(moving.session, now=days(95))
            migrant_reminders.tell_waiting(moving.session, now=NOW)
        counts.append(len(seen))

    assert counts == [6, 6, 6]


def test_lists_show_who_is_away_and_what_is_due_by_name(moving: Moving) -> None:
    registration = moving.hosted()
    moving.register("党员乙")
    touch(moving, registration.id, happened_on=date(2026, 10, 20))
    session, place = moving.session, moving.world.organizations

    def away(who: str, where: str, on: date = TODAY) -> list[migrant_reading.MigrantLine]:
        actor = moving.world.actor(who, on=on)
        page = migrant_reading.list_away(session, actor, place[where], after=None, limit=10)
        return list(page.items)

    first, second = away("书记一", "一支部")
    assert [first.member_name, second.member_name] == ["党员乙", "党员甲"]
    assert (second.contact_name, second.host_name) == ("组长", "二支部")
    assert second.due is not None
    assert (second.due.touch_on, second.due.talk_on) == (date(2026, 12, 10), date(2027, 2, 10))
    assert [line.overdue for line in away("书记一", "一支部", date(2026, 12, 11))] == [
        ["touch"],
        ["touch"],
    ]
    assert len(away("街道干事", "街道")) == 2
    # A group's leader sees his group.
    assert [line.member_name for line in away("组长", "一组")] == ["党员甲"]
    with pytest.raises(NotFound):
        away("书记二", "一支部")

    host = moving.world.actor("书记二")
    hosted = migrant_reading.list_hosted(session, host, place["二支部"], after=None, limit=10)
    assert [line.member_name for line in hosted.items] == ["党员甲"]
    own = migrant_reading.find_own(session, moving.world.actor("党员甲"))
    assert own is not None
    assert own.registration.id == registration.id
    assert migrant_reading.find_own(session, moving.world.actor("组长")) is None
    tasks = migrant_reading.list_own_contacts(session, moving.world.actor("组长"))
    assert [line.member_name for line in tasks] == ["党员乙", "党员甲"]


def test_file_is_for_home_the_contact_person_and_the_member(moving: Moving) -> None:
    registration = moving.hosted()
    touch(moving, registration.id)
    for name in ("书记一", "街道干事", "组长", "党员甲"):
        file = migrant_reading.get_file(moving.session, moving.world.actor(name), registration.id)
        assert [len(part) for part in (file.contacts, file.placements, file.touches)] == [1, 1, 1]
    for name in ("书记二", "书记三", "党员乙"):
        with pytest.raises(NotFound):
            migrant_reading.get_file(moving.session, moving.world.actor(name), registration.id)


def test_list_pages_in_as_many_statements_whatever_their_length(moving: Moving) -> None:
    for name in ("党员甲", "党员乙", "副书记一"):
        moving.register(name)
    actor, branch = moving.world.actor("书记一"), moving.world.organizations["一支部"]
    names, after = [], None
    while True:
        with counted_statements(moving.session) as seen:
            page = migrant_reading.list_away(moving.session, actor, branch, after=after, limit=2)
        assert len(seen) <= 4
        names += [line.member_name for line in page.items]
        after = page.next_key
        if after is None:
            break

    assert names == sorted(names)
    assert len(names) == 3
    with pytest.raises(InvalidCursor):
        migrant_reading.list_away(
            moving.session, actor, branch, after=[str(moving.id("党员丙"))], limit=2
        )
