"""Schemes as YAML text: read in one way only, and every fault with its line."""

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from points.definition_lines import TEXT_LENGTH_MAX, load, locate, read_yaml
from points.definition_reading import InvalidDefinition
from tests.world import ROOT

TEXT = (ROOT / "docs/schemes/start.yaml").read_text(encoding="utf-8")
LINES = TEXT.splitlines()


def test_text_is_read_as_any_other_reader_would() -> None:
    assert load(TEXT) == load("\ufeff" + TEXT) == yaml.safe_load(TEXT)
    reading = read_yaml(TEXT)
    assert (reading.errors, reading.warnings) == ([], [])
    assert reading.definition is not None


@pytest.mark.parametrize(
    ("pointer", "line"),
    [
        ("/code", "code: member-points"),
        ("/items/3/grades/优", "    grades: {优"),
        ("/components/1", "  - {code: bonus"),
        ("/bands/1/from", "  - {name: 良好"),
        # What is absent is looked for where it would stand.
        ("/items/0/evidence/basis", "  - code: volunteer_service"),
        ("/none", "code: member-points"),
    ],
)
def test_line_of_a_part(pointer: str, line: str) -> None:
    assert LINES[locate(TEXT, pointer) - 1].startswith(line)


def test_every_fault_has_its_line() -> None:
    text = TEXT.replace("unit: minute", "unit: hour")
    text = text.replace(
        'points: "5"\n    caps: {year: "10"}', 'points: "5"\n    caps: {year: "1O"}'
    )

    found = {one.pointer: one.params["line"] for one in read_yaml(text).errors}

    assert LINES[found["/items/0/unit"] - 1] == "    unit: minute"
    assert LINES[found["/items/5/caps/year"] - 1] == '    caps: {year: "10"}'


def test_key_with_a_slash_is_found() -> None:
    text = TEXT.replace('优: "6"', '优/先进: "x"')

    (problem,) = read_yaml(text).errors

    assert problem.pointer == "/items/3/grades/优~1先进"
    assert LINES[problem.params["line"] - 1].startswith("    grades:")


TRICKS = {
    "an alias": ("a: &one 1\nb: *one", 1),
    "an anchor": ("a: 1\nb: &one {}", 2),
    "a tag": ("a: 1\nb: !!python/object:os.system x", 2),
    "a tag of our own": ("a: !points 1", 1),
    "a key twice": ("a: 1\nb: 2\na: 3", 3),
    "a merge": ("a: {b: 1}\n<<: {c: 1}", 2),
    "two documents": ("a: 1\n---\na: 2", 2),
    "a float": ("a:\n  b: 1.5", 2),
    "an octal": ("a: 010", 1),
    "a grouped number": ("a: 1_000", 1),
    "a time that is a number": ("a: 1:30", 1),
    "a date": ("a: 2026-01-01", 1),
    "a yes": ("a: yes", 1),
    "a key that is a truth": ("on: 1", 1),
    "a key that is a number": ("1: a", 1),
    "a key that is a list": ("? [a]\n: 1", 1),
    "great depth": ("[" * 9 + "]" * 9, 1),
    "bottomless depth": ("\n" + "[" * 90_000, 2),
    "great length": ("a" * (TEXT_LENGTH_MAX + 1), 1),
    "a zero byte": ("a: 1\nb: \0", 2),
    "an open bracket": ("a: [1", 1),
    "a tab as indent": ("a:\n\tb: 1", 2),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_trick_is_refused_at_its_line(trick: str) -> None:
    text, line = TRICKS[trick]

    with pytest.raises(InvalidDefinition) as refused:
        load(text)

    assert next(one.params["line"] for one in refused.value.problems) == line
    assert refused.value.detail.startswith(f"第 {line} 行：")
    assert next(one.params["line"] for one in read_yaml(text).errors) == line


@given(st.text(max_size=80) | st.text(alphabet="ab:-[]{},&*!|>'\"#%@`? \n\t01.", max_size=80))
@example("")
@example("a")
def test_any_text_is_read_or_refused(text: str) -> None:
    reading = read_yaml(text)

    assert reading.definition is None
    assert all(one.params["line"] >= 1 for one in reading.errors)
    assert reading.errors
