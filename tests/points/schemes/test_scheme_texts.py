"""Schemes as YAML: faults with their lines, nothing that unfolds, and the way out and in again."""

import copy
from typing import Any

import pytest
import yaml

from points import scheme_texts
from points.definition_reading import ForbiddenItem, InvalidDefinition, digest
from points.scheme_drafts import BLANK
from points.scheme_texts import SchemeText, UnreadableScheme
from tests.engines import ROOT
from tests.world import SCHEME

FILES = sorted((ROOT / "docs/schemes").glob("*.yaml"))
START = (ROOT / "docs/schemes/start.yaml").read_text(encoding="utf-8")


def line_with(text: str, part: str) -> int:
    (number,) = [n for n, line in enumerate(text.splitlines(), 1) if part in line]
    return number


@pytest.mark.parametrize(
    ("old", "new", "pointer"),
    [
        ('points: "10"', "points: 10", "/items/6/points"),
        ("    event: volunteer_service", "    event: walking", "/items/0/event"),
        ("publicity_days: 5", "publicity_days: 30", "/publicity_days"),
        ('  - {name: 良好, from: "80"}', '  - {name: 良好, from: "95"}', "/bands"),
        ("    per_units: 60", "    per_unit: 60", "/items/0/per_unit"),
    ],
)
def test_fault_is_told_with_its_line(old: str, new: str, pointer: str) -> None:
    assert old in START
    text = START.replace(old, new)

    found = scheme_texts.examine(scheme_texts.from_yaml(text)).errors

    fault = next(one for one in found if one.pointer == pointer)
    expected = line_with(text, "bands:") if pointer == "/bands" else line_with(text, new)
    assert fault.line == expected
    assert fault.message


def test_missing_part_is_told_where_it_should_stand() -> None:
    text = START.replace("    name: 志愿服务\n", "")

    found = scheme_texts.examine(scheme_texts.from_yaml(text)).errors

    fault = next(one for one in found if one.pointer == "/items/0/name")
    assert fault.line == line_with(text, "- code: volunteer_service")


def test_refusal_names_the_line_of_the_banned_item_first() -> None:
    text = START.replace("name: 受到表彰", "name: 每日登录").replace('floor: "0"', "floor: 0")

    with pytest.raises(ForbiddenItem, match=f"第 {line_with(text, '每日登录')} 行") as refusal:
        scheme_texts.parse(scheme_texts.from_yaml(text))

    assert len(refusal.value.problems) == 2
    assert all(problem.params["line"] for problem in refusal.value.problems)


def test_warnings_have_lines_too() -> None:
    text = START.replace('caps: {day: "8", year: "10"}', 'caps: {day: "12", year: "10"}')

    found = scheme_texts.examine(scheme_texts.from_yaml(text))

    assert found.errors == []
    assert line_with(text, 'day: "12"') in [one.line for one in found.warnings]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# 只有注释",
        "- 列表",
        "文字",
        "code: [未闭合",
        "a: &x 1\nb: *x",
        "a: 1\na: 2",
        "1: 数字作键",
        "? [a]\n: b",
        "a: !!binary aGk=",
        "a: !!python/object:os.system x",
        "a: " + "9" * 5000,
        "[" * 5000,
        'a: "\\ud800',
        "a: 1\n--- \nb: 2",
        "x: 字" + "字" * scheme_texts.TEXT_LENGTH_MAX,
    ],
)
def test_unreadable_text_is_one_refusal(text: str) -> None:
    with pytest.raises(UnreadableScheme):
        scheme_texts.from_yaml(text)


@pytest.mark.parametrize("character", ["\\0", "\\ud800", "\\x1b"])
def test_character_that_no_database_keeps_is_a_fault(character: str) -> None:
    text = START.replace("name: 党员积分起步方案", f'name: "党{character}员"')

    with pytest.raises(InvalidDefinition):
        scheme_texts.parse(scheme_texts.from_yaml(text))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_exported_scheme_means_exactly_the_same(file: Any) -> None:
    data = yaml.safe_load(file.read_text(encoding="utf-8"))

    again = scheme_texts.from_yaml(scheme_texts.to_yaml(data)).data

    assert digest(again) == digest(data)
    assert scheme_texts.to_yaml(again) == scheme_texts.to_yaml(data)


def test_export_does_not_depend_on_the_order_of_keys() -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in sorted(value, reverse=True)}
        return [turned(one) for one in value] if isinstance(value, list) else value

    assert scheme_texts.to_yaml(turned(SCHEME)) == scheme_texts.to_yaml(SCHEME)


def test_blank_scheme_is_usable() -> None:
    assert scheme_texts.examine(SchemeText(BLANK)).errors == []


def test_data_without_lines_has_faults_without_lines() -> None:
    data = copy.deepcopy(SCHEME) | {"floor": 0}

    (fault,) = scheme_texts.examine(SchemeText(data)).errors

    assert (fault.pointer, fault.line) == ("/floor", None)
