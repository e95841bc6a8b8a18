"""The arithmetic of points: asked, caps, grants, deadlines and bands."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.quantities import Points, parse_points
from points import rules
from points.definition_reading import parse_definition
from points.definitions import CapSpan, Definition, Item
from points.rules import Cap
from tests.world import SCHEME

DEFINITION = parse_definition(SCHEME)
DAY = date(2026, 11, 7)
DAYS = st.dates(date(2000, 1, 1), date(2100, 11, 30))


def item(points: str, *, per_units: int = 60, step_units: int = 30) -> Item:
    service = DEFINITION.items["volunteer_service"]
    return replace(service, points=parse_points(points), per_units=per_units, step_units=step_units)


@pytest.mark.parametrize(
    ("minutes", "points"),
    [(0, 0), (29, 0), (30, 50), (59, 50), (60, 100), (89, 100), (90, 150), (1440, 2400)],
)
def test_part_steps_are_rounded_down(minutes: int, points: int) -> None:
    assert rules.asked_points(item("1"), minutes) == points


def test_part_hundredths_are_rounded_down() -> None:
    assert rules.asked_points(item("1", per_units=90, step_units=1), 1) == 1
    assert rules.asked_points(item("0.5", per_units=60, step_units=1), 1) == 0


@given(st.integers(0, 1440), st.integers(0, 1440))
def test_two_services_never_ask_more_than_one_as_long(one: int, other: int) -> None:
    """So nobody gains by cutting a service into pieces."""
    whole = rules.asked_points(item("1"), one + other)

    assert rules.asked_points(item("1"), one) + rules.asked_points(item("1"), other) <= whole


CAPS = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 2500)), max_size=5)


@given(st.integers(0, 3000), CAPS)
def test_grant_is_what_was_asked_or_the_narrowest_room(
    asked: int, levels: list[tuple[int, int]]
) -> None:
    caps = [Cap(str(n), "上限", Points(limit)) for n, (limit, _) in enumerate(levels)]
    used = {str(n): spent for n, (_, spent) in enumerate(levels)}
    rooms = [max(0, limit - spent) for limit, spent in levels]

    grant = rules.grant(Points(asked), caps, used)

    assert grant.points == min([asked, *rooms])
    assert (grant.binding_cap is None) == (grant.points == asked)
    if grant.binding_cap is not None:
        assert rooms[int(grant.binding_cap.bucket)] == grant.points


def test_of_two_caps_with_the_same_room_the_narrower_span_binds() -> None:
    caps = [Cap("day", "当日上限", Points(100)), Cap("year", "全年上限", Points(100))]

    assert rules.grant(Points(200), caps, {}).binding_cap == caps[0]


def test_three_twos_under_a_cap_of_five_give_two_two_and_one() -> None:
    """Domain section 10. What taking the first back does is in test_reversal."""
    cap = Cap("year", "全年上限", Points(500))
    granted: list[int] = []
    for _ in range(3):
        granted.append(rules.grant(Points(200), [cap], {"year": sum(granted)}).points)

    assert granted == [200, 200, 100]


def test_caps_of_an_item_go_from_day_to_total() -> None:
    caps = rules.caps_of(DEFINITION, DEFINITION.items["volunteer_service"], DAY)

    assert [(cap.bucket, cap.limit) for cap in caps] == [
        ("item:volunteer_service:day:2026-11-07", 800),
        ("item:volunteer_service:year:2026", 1000),
        ("component:bonus:2026", 3000),
        ("total:2026", 4000),
    ]


def test_component_that_starts_full_has_no_room_to_earn() -> None:
    """Its cap is its height; what it starts with is part of that."""
    item_of_base = DEFINITION.items["theme_day_absent"]

    caps = rules.caps_of(DEFINITION, item_of_base, DAY, Points(200))
    limits = {cap.bucket: cap.limit for cap in caps}

    assert limits["component:base:2026"] == 0


def with_caps(spans: list[str]) -> Definition:
    service = SCHEME["items"][0] | {"caps": dict.fromkeys(spans, "8")}
    return parse_definition(SCHEME | {"items": [service]})


@pytest.mark.parametrize(
    ("span", "first", "last"),
    [
        ("day", date(2026, 11, 7), date(2026, 11, 7)),
        ("month", date(2026, 2, 1), date(2026, 2, 28)),
        ("quarter", date(2026, 10, 1), date(2026, 12, 31)),
        ("quarter", date(2026, 1, 1), date(2026, 3, 31)),
        ("half_year", date(2026, 1, 1), date(2026, 6, 30)),
        ("half_year", date(2026, 7, 1), date(2026, 12, 31)),
        ("year", date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_span_is_one_bucket_from_its_first_day_to_its_last(
    span: str, first: date, last: date
) -> None:
    definition = with_caps([span])

    def bucket(day: date) -> str:
        return rules.caps_of(definition, definition.items["volunteer_service"], day)[0].bucket

    assert bucket(first) == bucket(last)
    assert bucket(first - timedelta(days=1)) != bucket(first)
    assert bucket(last + timedelta(days=1)) != bucket(last)


def test_every_span_has_a_name_and_a_bucket_of_its_own() -> None:
    definition = with_caps(list(CapSpan))
    caps = rules.caps_of(definition, definition.items["volunteer_service"], DAY)

    assert len({cap.bucket for cap in caps}) == len({cap.name for cap in caps}) == len(CapSpan) + 2
    # The column that keeps them.
    assert max(len(cap.bucket) for cap in caps) <= 80


@pytest.mark.parametrize(
    ("happened_on", "deadline"),
    [
        (date(2026, 1, 31), date(2026, 2, 28)),
        (date(2028, 1, 31), date(2028, 2, 29)),
        (date(2028, 2, 29), date(2028, 3, 31)),
        (date(2026, 1, 1), date(2026, 2, 28)),
        (date(2026, 10, 31), date(2026, 11, 30)),
        (date(2026, 11, 30), date(2026, 12, 31)),
        (date(2026, 12, 1), date(2027, 1, 15)),
        (date(2026, 12, 31), date(2027, 1, 15)),
    ],
)
def test_claim_deadline(happened_on: date, deadline: date) -> None:
    assert rules.claim_deadline(DEFINITION.cutoff, happened_on) == deadline


@given(DAYS)
def test_deadline_leaves_a_fortnight_and_does_not_go_back(day: date) -> None:
    deadline = rules.claim_deadline(DEFINITION.cutoff, day)

    assert 15 <= (deadline - day).days <= 61
    assert rules.claim_deadline(DEFINITION.cutoff, day + timedelta(days=1)) >= deadline


@pytest.mark.parametrize(
    ("total", "band"),
    [
        (10_000, "优秀"), (9_000, "优秀"), (8_999, "良好"), (8_000, "良好"), (7_999, "合格"),
        (6_000, "合格"), (5_999, "不合格"), (0, "不合格"), (-1, None),
    ],
)  # fmt: skip
def test_bands_are_half_open(total: int, band: str | None) -> None:
    assert rules.band_of(DEFINITION.bands, total) == band
