"""docs/asvs.csv accounts for every applicable requirement, and names evidence that exists."""

import ast
import csv
import re
from collections import Counter
from functools import cache
from itertools import takewhile

from tests.engines import ROOT

STATES = ("pass", "fail", "not applicable")
# Levels 1 and 2 together; docs/asvs.md says which 57 more there are, and why they do not apply.
BY_CHAPTER = {
    "V1": 26, "V2": 11, "V3": 5, "V4": 4, "V5": 9, "V6": 35, "V7": 18, "V8": 7, "V9": 7, "V11": 14,
    "V12": 9, "V13": 13, "V14": 9, "V15": 13, "V16": 16,
}  # fmt: skip
LEVEL_1 = 60
REQUIREMENT = re.compile(r"V\d{1,2}\.\d\.\d{1,2}")
TEST = re.compile(r"tests/\S+\.py::test_\w+")
SUMMARY = re.compile(r"^\| \*{0,2}(V\d+|合计)[^|]*\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", re.M)


def _rows() -> list[dict[str, str]]:
    with (ROOT / "docs/asvs.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _evidence(row: dict[str, str]) -> list[str]:
    return [one for one in row["evidence"].split("; ") if one]


def _chapter(row: dict[str, str]) -> str:
    return row["requirement"].partition(".")[0]


@cache
def _tests_of(path: str) -> frozenset[str]:
    """The tests that stand in a file, by its source: nothing is collected or run."""
    tree = ast.parse(_text(path)) if (ROOT / path).is_file() else ast.Module([], [])
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return frozenset(one.name for one in functions if one.name.startswith("test_"))


def _is_there(evidence: str) -> bool:
    if TEST.fullmatch(evidence):
        path, _, name = evidence.partition("::")
        return name in _tests_of(path)
    kind, _, place = evidence.partition(":")
    path, _, heading = place.partition("#")
    if kind not in ("docs", "config") or not (ROOT / path).is_file():
        return False
    return not heading or f"## {heading}" in _text(path).splitlines()


def test_every_applicable_requirement_has_one_row() -> None:
    rows = _rows()
    names = [row["requirement"] for row in rows]

    assert len(set(names)) == len(rows) == 196
    assert all(REQUIREMENT.fullmatch(name) for name in names)
    assert Counter(map(_chapter, rows)) == BY_CHAPTER
    assert Counter(row["level"] for row in rows) == {"1": LEVEL_1, "2": 196 - LEVEL_1}


def test_every_state_is_known_and_shown_or_explained() -> None:
    for row in _rows():
        evidence = _evidence(row)
        is_tested = any(TEST.fullmatch(one) for one in evidence)
        assert row["state"] in STATES, row
        assert row["asks"], row
        # What a document says is its own explanation; a file that was looked at is not.
        is_written = any(one.startswith("docs:") for one in evidence)
        needs_sentence = row["state"] != "pass" or not (is_tested or is_written)
        assert not needs_sentence or row["note"].endswith("。"), row


def test_evidence_exists() -> None:
    named = [one for row in _rows() for one in _evidence(row)]
    named += TEST.findall(_text("docs/asvs.md"))

    assert [one for one in named if not _is_there(one)] == []
    assert len(named) > 200
    assert not _is_there("tests/contract/test_asvs.py::test_that_does_not_exist")
    assert not _is_there("docs:docs/security.md#没有这一节")


def test_summary_counts_what_the_list_says() -> None:
    states = Counter((_chapter(row), row["state"]) for row in _rows())
    shown = {
        name: [int(n) for n in counts] for name, *counts in SUMMARY.findall(_text("docs/asvs.md"))
    }
    chapters = {name: [states[name, state] for state in STATES] for name in BY_CHAPTER}
    total = [sum(column) for column in zip(*chapters.values(), strict=True)]

    assert shown.pop("合计") == [196, *total]
    assert shown == {name: [BY_CHAPTER[name], *counts] for name, counts in chapters.items()}


def test_what_is_left_out_adds_up_to_the_standard() -> None:
    section = _text("docs/asvs.md").partition("## 没有列入的 57 条")[2].strip().splitlines()
    table = takewhile(lambda line: line.startswith("|"), section[4:])
    left_out = [int(line.split("|")[2]) for line in table]

    assert sum(left_out) + len(_rows()) == 253
