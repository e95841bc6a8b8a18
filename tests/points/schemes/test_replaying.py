"""Replaying entries under another scheme, against years worked out by hand; no database."""

import copy
from datetime import date
from typing import Any

import pytest

from core.ids import new_id
from points import replaying
from points.definition_reading import parse_definition
from points.definitions import Definition
from points.replaying import Posted
from points.scoring import Score, score
from tests.points.schemes.drafting import item_of
from tests.world import SCHEME

YEAR = 2026


def scheme(**items: dict[str, Any]) -> Definition:
    """The start scheme with other values in some of its items."""
    data = copy.deepcopy(SCHEME)
    for code, values in items.items():
        item_of(data, code).update(values)
    return parse_definition(data)


def entry(on: date, points: int, **values: Any) -> Posted:
    made: dict[str, Any] = {
        "id": new_id(),
        "reverses_id": None,
        "origin_id": new_id(),
        "is_claim": False,
        "scheme_code": "member-points",
        "item_code": "",
        "component_code": "bonus",
        "happened_on": on,
        "month": on.month,
        "is_late": False,
        "points": points,
        "inputs": {},
        "path": "/",
    }
    return Posted(**made | values)


def service(on: date, minutes: int, points: int, **values: Any) -> Posted:
    given = {"is_claim": True, "item_code": "volunteer_service"}
    return entry(on, points, inputs={"quantity": minutes, "caps": []}, **given, **values)


def fact(on: date, points: int, item: str, /, **facts: Any) -> Posted:
    inputs = {
        "tags": [], "status": "", "grade": "", "quantity": 1, "points": None,
        "member_class": "", "caps": [],
    } | facts  # fmt: skip
    return entry(on, points, item_code=item, inputs=inputs)


def theme_day(on: date, points: int = 200, status: str = "present") -> Posted:
    facts = {"event": "attendance", "tags": ["theme_day"], "status": status}
    return fact(on, points, "theme_day_present", **facts)


def reversal_of(one: Posted) -> Posted:
    return entry(one.happened_on, -one.points, reverses_id=one.id, inputs=one.inputs)


def under(definition: Definition, *entries: Posted) -> Score:
    tallies = replaying.under(definition, entries, lambda one: True)
    return score(definition, tallies, year=YEAR)


def bonus(definition: Definition, *entries: Posted) -> int:
    (part,) = [one for one in under(definition, *entries).components if one.code == "bonus"]
    return part.points


def test_points_per_hour_are_counted_anew() -> None:
    """2 h + 1.5 h at 1 point an hour are 3.5; at 2 points an hour 7."""
    entries = (service(date(2026, 3, 1), 120, 200), service(date(2026, 4, 1), 90, 150))

    assert bonus(scheme(), *entries) == 350
    assert bonus(scheme(volunteer_service={"points": "2"}), *entries) == 700


def test_lower_cap_grants_the_last_entry_in_part() -> None:
    """4 + 4 + 4 hours under 10 a year: 4, 4, 2. Under 7 a year: 4, 3, 0."""
    days = [date(2026, month, 1) for month in (2, 3, 4)]
    granted = [service(day, 240, points) for day, points in zip(days, (400, 400, 200), strict=True)]
    low = scheme(volunteer_service={"caps": {"day": "8", "year": "7"}})

    tallies = replaying.under(low, granted, lambda one: True)

    assert bonus(scheme(), *granted) == 1000
    assert [one.points for one in tallies] == [400, 300, 0]


def test_higher_cap_gives_what_the_lower_one_took() -> None:
    granted = [service(date(2026, 2, 1), 540, 800), service(date(2026, 3, 1), 240, 200)]
    high = scheme(volunteer_service={"caps": {"day": "9", "year": "20"}})

    assert bonus(high, *granted) == 900 + 400


def test_reversed_entry_gives_its_room_to_what_came_after() -> None:
    """Cap 7: 4 granted, taken back, then 4 + 4 asked: 4 and 3."""
    first = service(date(2026, 2, 1), 240, 400)
    later = [service(date(2026, 3, 1), 240, 400), service(date(2026, 4, 1), 240, 400)]
    low = scheme(volunteer_service={"caps": {"year": "7"}})

    tallies = replaying.under(low, [first, reversal_of(first), *later], lambda one: True)

    assert [one.points for one in tallies] == [400, -400, 400, 300]
    assert [one.count for one in tallies] == [1, -1, 1, 1]


def test_component_cap_binds_over_several_items() -> None:
    """Bonus up to 30: 24 from theme days leave 6 for service that asks 8."""
    days = [theme_day(date(2026, month, 1)) for month in range(1, 13)]
    served = service(date(2026, 12, 20), 480, 600)

    assert bonus(scheme(), *days, served) == 3000
    assert bonus(scheme(theme_day_present={"points": "1"}), *days, served) == 1200 + 800


def test_fact_that_the_draft_does_not_count_counts_nothing() -> None:
    remote = theme_day(date(2026, 5, 1), status="present_remote")
    strict = scheme(theme_day_present={"statuses": ["present"]})

    assert bonus(scheme(), remote) == 200
    assert bonus(strict, remote, reversal_of(remote)) == 0
    assert replaying.under(strict, [remote, reversal_of(remote)], lambda one: True) == []


def test_grade_is_worth_what_the_draft_says() -> None:
    good = fact(
        date(2026, 12, 1), 400, "pledge_evaluated", event="pledge_evaluated", grade="良"
    )  # fmt: skip
    other = scheme(pledge_evaluated={"grades": {"优": "8", "良": "5", "中": "1", "差": "0"}})

    assert (bonus(scheme(), good), bonus(other, good)) == (400, 500)


def test_number_given_by_a_person_is_held_within_the_draft() -> None:
    """A commendation of 5 points under an item of at most 3."""
    commended = fact(date(2026, 7, 1), 500, "commended", event="manual", points=500)

    assert bonus(scheme(), commended) == 500
    assert bonus(scheme(commended={"points": "3"}), commended) == 300


def test_item_that_a_person_picked_is_not_exchanged_for_another() -> None:
    data = copy.deepcopy(SCHEME)
    item_of(data, "commended")["code"] = "praised"
    commended = fact(date(2026, 7, 1), 500, "commended", event="manual", points=500)

    assert bonus(parse_definition(data), commended) == 0


def test_deductions_stop_where_the_draft_lets_them() -> None:
    missed = [
        theme_day(date(2026, month, 1), -200, "absent_unexcused") for month in range(1, 5)
    ]  # fmt: skip
    data = copy.deepcopy(SCHEME)
    data["components"][0]["deduct_cap"] = "5"
    gentle = parse_definition(data)

    assert under(scheme(), *missed).total == 6000 - 800
    assert under(gentle, *missed).total == 6000 - 500


def test_entry_of_another_scheme_stays_and_uses_up_its_room() -> None:
    """Eight points granted by an older version of the same scheme leave two of ten."""
    bucket = "item:volunteer_service:year:2026"
    older = entry(
        date(2026, 1, 1),
        800,
        is_claim=True,
        item_code="volunteer_service",
        inputs={"quantity": 480, "caps": [{"bucket": bucket}]},
    )
    served = service(date(2026, 2, 1), 240, 200)

    tallies = replaying.under(scheme(), [older, served], lambda one: one is served)

    assert [one.points for one in tallies] == [800, 200]


@pytest.mark.parametrize("is_covered", [True, False])
def test_carried_total_stays(is_covered: bool) -> None:
    carried = entry(
        date(2026, 1, 1),
        5000,
        component_code="carry_over",
        inputs={"total": 5000, "rollover": "carry_over", "caps": []},
    )

    (tally,) = replaying.under(scheme(), [carried], lambda one: is_covered)

    assert (tally.component_code, tally.points) == ("carry_over", 5000)


def test_service_under_a_renamed_item_still_counts() -> None:
    data = copy.deepcopy(SCHEME)
    item_of(data, "volunteer_service")["code"] = "service"

    assert bonus(parse_definition(data), service(date(2026, 3, 1), 60, 100)) == 100
