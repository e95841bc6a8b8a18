"""A ledger on paper: a member's year through the product's rules, without a database."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import yaml

from core.quantities import Points, parse_points
from points import rules, scoring
from points.definition_lines import read_yaml
from points.definitions import Definition, Event, Item, match_items
from points.rules import Grant
from points.scoring import Score, Tally
from tests.world import ROOT

YEAR = 2026
HERE = ROOT / "tests/points/schemes"
SCHEMES = ROOT / "docs/schemes"

# One line of an example: what happened, when, how often.
Line = Mapping[str, Any]


@dataclass
class Happening:
    """One thing that happened to a member, as a caller of the engine knows it."""

    on: date
    event: Event
    item_code: str
    tags: frozenset[str]
    status: str
    inputs: dict[str, Any]
    occasion: str


@dataclass
class Paper:
    """Grants in the order in which they were made, and what the caps have used up."""

    definition: Definition
    member_class: str = ""
    used: dict[str, int] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)

    def post(self, one: Happening) -> Grant | None:
        """What `crediting` and `granting` do, in short; None where no item counts it."""
        found = match_items(
            self.definition,
            one.event,
            tags=one.tags,
            status=one.status,
            member_class=self.member_class,
        )
        worth = [
            (asked, item)
            for item in found
            if item.code == one.item_code
            and (asked := rules.asked_from(item, one.inputs)) is not None
        ]
        return self.grant(one, *max(worth, key=lambda pair: pair[0])) if worth else None

    def grant(self, one: Happening, asked: Points, item: Item) -> Grant:
        caps = rules.caps_of(self.definition, item, one.on, asked, one.occasion, self.member_class)
        grant = rules.grant(asked, caps, self.used)
        for cap in caps:
            self.used[cap.bucket] = self.used.get(cap.bucket, 0) + abs(grant.points)
            assert self.used[cap.bucket] <= cap.limit, cap
        self.grants.append(grant)
        self.tallies.append(Tally(item.component, one.on.month, grant.points, 1))
        return grant

    def score(self, *, is_exempt: bool = False, **options: Any) -> Score:
        return scoring.score(
            self.definition,
            self.tallies,
            year=YEAR,
            is_exempt=is_exempt,
            member_class=self.member_class,
            **options,
        )


def texts() -> list[str]:
    """Every scheme that we ship or have invented."""
    return [
        path.read_text(encoding="utf-8").split("\n---\n")[0]
        for folder in (SCHEMES, HERE / "unseen")
        for path in sorted(folder.glob("*.yaml"))
    ]


def read(text: str) -> Definition:
    """A scheme that must have neither fault nor doubt."""
    reading = read_yaml(text)
    assert (reading.errors, reading.warnings) == ([], [])
    assert reading.definition is not None
    return reading.definition


def members_of(path: str) -> list[dict[str, Any]]:
    """The members of an example file."""
    return list(yaml.safe_load((HERE / path).read_text(encoding="utf-8"))["members"])


def happenings(definition: Definition, lines: list[Line]) -> list[Happening]:
    """The lines of an example one by one, in date order."""
    made = [one for number, line in enumerate(lines) for one in _expand(definition, number, line)]
    return sorted(made, key=lambda one: one.on)


def keep(definition: Definition, member: Mapping[str, Any]) -> Paper:
    """The ledger of an example's member."""
    paper = Paper(definition, member.get("class", ""))
    if "carried" in member:
        # What the opening of the year posts on its first day.
        paper.tallies.append(Tally(scoring.CARRIED, 1, parse_points(member["carried"]), 1))
    for one in happenings(definition, member["happened"]):
        paper.post(one)
    return paper


def _expand(definition: Definition, number: int, line: Line) -> Iterator[Happening]:
    item = definition.items[line["item"]]
    days = line["at"] if isinstance(line["at"], list) else [line["at"]]
    for day in days:
        for time in range(line.get("times", 1)):
            month, _, of_month = str(day).partition("-")
            yield Happening(
                on=date(YEAR, int(month), int(of_month or 10)),
                event=item.event,
                item_code=item.code,
                tags=frozenset(line.get("kinds", item.activity_kinds)),
                status=line.get("status", min(item.statuses, default="")),
                inputs=_inputs(line),
                occasion=f"{number}-{day}-{time}",
            )


def _inputs(line: Line) -> dict[str, Any]:
    given = line.get("points")
    return {
        "quantity": line.get("minutes", line.get("quantity", 1)),
        "grade": line.get("grade", ""),
        "points": None if given is None else parse_points(given),
        "ratings": {who: parse_points(rating) for who, rating in line.get("ratings", {}).items()},
    }
