"""Scheme definitions: what is usable is read exactly, what is banned or contradictory refused."""

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from points.definition_reading import ForbiddenItem, InvalidDefinition, digest, parse_definition
from points.definitions import Unit
from points.forbidden_words import FORBIDDEN_WORDS
from tests.world import ROOT, SCHEME

Data = dict[str, Any]


def changed(change: Callable[[Data], object]) -> Data:
    data: Data = copy.deepcopy(SCHEME)
    change(data)
    return data


def named(code: str, name: str) -> Data:
    return changed(lambda data: data["items"][0].update(code=code, name=name))


@pytest.mark.parametrize("path", sorted((ROOT / "docs/schemes").glob("*.yaml")), ids=str)
def test_every_published_example_is_usable(path: Path) -> None:
    parse_definition(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_definition_is_read_exactly() -> None:
    definition = parse_definition(SCHEME)

    service = definition.items["volunteer_service"]
    assert (service.unit, service.points, service.per_units, service.step_units) == (
        Unit.MINUTE, 100, 60, 30,
    )  # fmt: skip
    assert definition.items["pledge_evaluated"].grades["优"] == 600
    assert (definition.total_cap, definition.floor) == (10_000, 0)
    assert next((band.name, band.lower) for band in definition.bands) == ("优秀", 9_000)


@pytest.mark.parametrize("word", sorted(FORBIDDEN_WORDS))
def test_banned_measure_is_refused_by_name_and_by_code(word: str) -> None:
    with pytest.raises(ForbiddenItem):
        parse_definition(named("service", f"每日{word}加分"))
    if word.isascii():
        for code in (word, f"daily_{word}", f"{word}_bonus", f"a_{word}_b"):
            with pytest.raises(ForbiddenItem):
                parse_definition(named(code, "项目"))


@pytest.mark.parametrize(
    "name", ["Login 加分", "LOGIN", "ｌｏｇｉｎ", "点 赞", "点　赞", "点\u200b赞"]
)
def test_banned_measure_is_refused_however_it_is_spelt(name: str) -> None:
    with pytest.raises(ForbiddenItem):
        parse_definition(named("service", name))


@pytest.mark.parametrize("code", ["unlike", "shareholder_visit", "commentary"])
def test_code_that_only_resembles_a_banned_one_is_allowed(code: str) -> None:
    assert code in parse_definition(named(code, "项目")).items


CONTRADICTIONS: dict[str, Callable[[Data], object]] = {
    "two components of one code": lambda d: d["components"].append(d["components"][0]),
    "two items of one code": lambda d: d["items"].append(d["items"][0]),
    "an item of no component": lambda d: d["items"][0].update(component="none"),
    "a start above its cap": lambda d: d["components"][0].update(start="61"),
    "a negative start": lambda d: d["components"][1].update(start="-1"),
    "a negative component cap": lambda d: d["components"][1].update(cap="-1"),
    "a negative item cap": lambda d: d["items"][0].update(caps={"year": "-1"}),
    "starts above the total": lambda d: d.update(total_cap="59"),
    "a floor above the total": lambda d: d.update(floor="101"),
    "bands upside down": lambda d: d["bands"].reverse(),
    "two bands at one limit": lambda d: d["bands"][1].update({"from": "90"}),
    "two bands of one name": lambda d: d["bands"][1].update(name="优秀"),
    "grades of an item without": lambda d: d["items"][0].update(grades={"优": "1"}),
    "no grades of an item with": lambda d: d["items"][3].update(grades={}),
    "a step of nothing": lambda d: d["items"][0].update(step_units=0),
    "per nothing": lambda d: d["items"][0].update(per_units=0),
    "per less than nothing": lambda d: d["items"][0].update(per_units=-60),
}


@pytest.mark.parametrize("contradiction", CONTRADICTIONS)
def test_contradiction_is_refused(contradiction: str) -> None:
    with pytest.raises(InvalidDefinition):
        parse_definition(changed(CONTRADICTIONS[contradiction]))


MALFORMED: dict[str, Callable[[Data], object]] = {
    "points as a number": lambda d: d["items"][0].update(points=1),
    "points as a float": lambda d: d["items"][0].update(points=1.5),
    "three decimals": lambda d: d["items"][0].update(points="1.005"),
    "points beyond the column": lambda d: d["items"][0].update(points="10001"),
    "a cap beyond the column": lambda d: d["items"][0].update(caps={"year": "10001"}),
    "an unknown unit": lambda d: d["items"][0].update(unit="hour"),
    "an unknown span": lambda d: d["items"][0].update(caps={"week": "1"}),
    "part units": lambda d: d["items"][0].update(per_units=60.5),
    "units as text": lambda d: d["items"][0].update(per_units="60"),
    "units as truth": lambda d: d["items"][0].update(step_units=True),
    "a mistyped key of an item": lambda d: d["items"][0].update(cap={"year": "10"}),
    "a mistyped key of a component": lambda d: d["components"][1].update(starts="1"),
    "no name": lambda d: d["items"][0].update(name=""),
    "a name that is a number": lambda d: d["components"][0].update(name=1),
    "a code with a colon": lambda d: d["items"][0].update(code="a:year"),
    "a code in capitals": lambda d: d["items"][0].update(code="Service"),
    "a code too long": lambda d: d["items"][0].update(code="a" * 41),
    "a scheme code too long": lambda d: d.update(code="a" * 41),
    "a component code that is a number": lambda d: d["components"][1].update(code=1),
    "a list of caps": lambda d: d["items"][0].update(caps=["year"]),
    "a list of grades": lambda d: d["items"][3].update(grades=["优"]),
    "an item that is text": lambda d: d.update(items=["x"]),
    "items that are a number": lambda d: d.update(items=5),
    "components that are nothing": lambda d: d.update(components=None),
    "no bands": lambda d: d.pop("bands"),
}


@pytest.mark.parametrize("fault", MALFORMED)
def test_malformed_part_is_refused(fault: str) -> None:
    with pytest.raises(InvalidDefinition):
        parse_definition(changed(MALFORMED[fault]))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
PARTS = st.sampled_from(["code", "name", "total_cap", "floor", "components", "items", "bands"])


@given(PARTS, JSON_VALUES)
def test_anything_in_the_place_of_a_part_is_read_or_refused(part: str, value: Any) -> None:
    with suppress(InvalidDefinition):
        parse_definition(SCHEME | {part: value})


@given(st.sampled_from(["components", "items", "bands"]), st.data())
def test_anything_in_the_place_of_a_field_is_read_or_refused(part: str, data: Any) -> None:
    scheme = copy.deepcopy(SCHEME)
    entry = data.draw(st.sampled_from(scheme[part]))
    entry[data.draw(st.sampled_from([*entry, "caps", "grades", "start"]))] = data.draw(JSON_VALUES)
    with suppress(InvalidDefinition):
        parse_definition(scheme)


def test_digest_does_not_depend_on_the_order_of_keys() -> None:
    backwards = json.loads(json.dumps(SCHEME), object_pairs_hook=lambda p: dict(reversed(p)))

    assert digest(backwards) == digest(SCHEME)
    assert digest(changed(lambda d: d.update(floor="1"))) != digest(SCHEME)
