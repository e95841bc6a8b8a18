"""What a person has written down: who may do what to whose things."""

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.contract.authz_world import RELATIONS, SIGNED_IN, SIGNED_OUT

FOLDER = Path(__file__).parent
NOWHERE = "none"


class Cell(NamedTuple):
    """One operation, asked by one principal for the things of one relation.

    Expected is `open` (answers anybody), `y` (gets past the walls), `no` (is refused for what it
    is, and changes nothing), or the status of the refusal.
    """

    operation: str
    principal: str
    kind: str
    relation: str
    expected: str


@cache
def operations() -> dict[str, dict[str, str]]:
    """The rows of authz.csv by operation."""
    rows = _read("authz.csv")
    found = {row["operation"]: row for row in rows}
    assert len(found) == len(rows), "an operation has two rows in authz.csv"
    return found


@cache
def cells() -> tuple[Cell, ...]:
    """Every cell of the matrix."""
    return tuple(cell for row in operations().values() for cell in _cells_of(row))


def _cells_of(row: dict[str, str]) -> Iterator[Cell]:
    who, kind, operation = _who()[row["who"]], row["object"], row["operation"]
    relations = RELATIONS if kind else (NOWHERE,)
    for principal in (*SIGNED_OUT, *SIGNED_IN):
        for relation in relations:
            expected = _expected(row, who, principal, relation)
            if expected != "-":
                yield Cell(operation, principal, kind, relation, expected)


def _expected(row: dict[str, str], who: dict[str, str], principal: str, relation: str) -> str:
    if "open" in who.values():
        return "open"
    if principal in SIGNED_OUT:
        return "401"
    word = who[principal]
    if word == "403":
        return "403"
    if word == "any" or not row["object"]:
        return "y"
    if word == "hidden":
        return "404"
    reach = _reaches()["own" if word == "own" else row["family"], principal]
    # What is not there is not found, unless the row says so in a column of its own.
    return (reach.get(relation) or "404") if relation == "absent" else reach[relation]


@cache
def _who() -> dict[str, dict[str, str]]:
    return {row.pop("who"): row for row in _read("authz/who.csv")}


@cache
def _reaches() -> dict[tuple[str, str], dict[str, str]]:
    return {(row.pop("family"), row.pop("principal")): row for row in _read("authz/reaches.csv")}


def _read(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
