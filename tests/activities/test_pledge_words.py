"""What a pledge may say, by when it may be due, and what is only hinted."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from activities import pledge_reading, pledge_reviews, pledges
from activities.pledge_reviews import Ruling
from activities.pledge_rules import DueDateRefused, PrivateDataRefused, YearRefused
from activities.pledge_states import PledgeStatus, PledgeStep
from tests.pledging import Pledging
from tests.world import NOW, World, build_world

S, P = PledgeStatus, PledgeStep


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


@pytest.fixture
def pledging(world: World) -> Pledging:
    return Pledging(world)


def test_extension_gives_a_later_day_and_keeps_the_first_on_the_timeline(
    world: World, pledging: Pledging
) -> None:
    pledge_id = pledging.at(S.PUBLISHED)
    secretary = world.actor("书记一")
    for due_on in (date(2026, 12, 1), date(2028, 1, 1)):
        with pytest.raises(DueDateRefused):
            pledge_reviews.extend(
                world.session,
                secretary,
                pledge_id,
                due_on=due_on,
                ruling=Ruling(4, "住院"),
                now=NOW,
            )

    pledging.take(pledge_id, P.EXTEND)

    record = pledge_reading.get(world.session, secretary, pledge_id)
    assert record.line.pledge.due_on == date(2027, 3, 1)
    assert [event.due_on.isoformat() for event in record.timeline[-2:]] == [
        "2026-12-20",
        "2027-03-01",
    ]


def test_hint_speaks_of_two_to_five_and_stops_nobody(world: World, pledging: Pledging) -> None:
    def hints() -> list[str]:
        record = pledge_reading.get(world.session, world.actor("党员甲"), pledging.write())
        return list(record.hints)

    told = [bool(hints()) for _ in range(7)]

    assert told == [True, False, False, False, False, True, True]


@pytest.mark.parametrize(
    "changes",
    [
        {"beneficiary": "王大妈 13812345678"},
        {"content": "联系 138-1234-5678"},
        {"target": "身份证 110101199003078515"},
        {"title": "帮扶１３８１２３４５６７８"},
        {"post": "0912-7654321"},
    ],
)
def test_numbers_of_people_are_refused(pledging: Pledging, changes: dict[str, str]) -> None:
    with pytest.raises(PrivateDataRefused) as refused:
        pledging.write(**changes)
    assert [problem.pointer for problem in refused.value.problems] == [f"/{min(changes)}"]


def test_numbers_of_people_are_refused_in_notes_and_reasons(
    world: World, pledging: Pledging
) -> None:
    pledge_id, number = pledging.at(S.PUBLISHED), "电话 13812345678"
    member, secretary = world.actor("党员甲"), world.actor("书记一")
    session = world.session

    with pytest.raises(PrivateDataRefused):
        pledges.note_progress(session, member, pledge_id, note=number, now=NOW)
    with pytest.raises(PrivateDataRefused):
        pledge_reviews.supervise(session, secretary, pledge_id, note=number, now=NOW)
    ruling = Ruling(4, number)
    with pytest.raises(PrivateDataRefused):
        pledge_reviews.decide(session, secretary, pledge_id, step=P.EXCUSE, ruling=ruling, now=NOW)


def test_days_and_years_that_cannot_be_are_refused(pledging: Pledging) -> None:
    with pytest.raises(DueDateRefused):
        pledging.write(due_on=date(2026, 11, 9))
    with pytest.raises(DueDateRefused):
        pledging.write(due_on=date(2027, 1, 1))
    with pytest.raises(YearRefused):
        pledging.write(year=2025)
    pledging.write(kind="ad_hoc_pledge", due_on=date(2027, 1, 31))
