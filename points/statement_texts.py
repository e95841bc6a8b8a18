"""The text of a sealed statement: what it says, and the one way to write that down."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from points import scoring
from points.definitions import Definition
from points.scoring import Tally
from points.statement_models import PeriodStatement

VERSION = 2
# Until then, entries about closed years counted like any other.
_LATE_APART_SINCE = 2

Row = sa.Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a statement rests on beside the ledger and the scheme; sealed with it."""

    period: str
    subject: str
    member_id: str
    organization_id: str
    scheme_version_id: str | None
    is_exempt: bool
    member_class: str


@dataclass(frozen=True, slots=True)
class Said:
    """The part of a statement that can be held against its columns and the ledger."""

    version: int
    facts: Facts
    total: int | None
    entries: int
    points: int

    def agrees_with(self, statement: PeriodStatement) -> bool:
        """Whether the columns repeat what the text says."""
        version_id = statement.scheme_version_id
        return (
            self.facts.subject,
            self.facts.member_id,
            self.facts.organization_id,
            self.facts.scheme_version_id,
            self.total,
        ) == (
            statement.subject,
            str(statement.member_id),
            str(statement.organization_id),
            str(version_id) if version_id else None,
            statement.total,
        )


def compose(
    facts: Facts,
    definition: Definition | None,
    entries: Sequence[Row],
    *,
    version: int = VERSION,
) -> str:
    """The canonical JSON of a statement; points are hundredths.

    Args:
        definition: the scheme that the facts pin; None where none was in force.
        entries: the member's entries of the period and subject, in the ledger's order, as
            `statements.entries_of` selects them.
        version: of the text; an older one is reproduced as it was written then.
    """
    is_apart = version >= _LATE_APART_SINCE
    score = None
    if definition is not None:
        tallies = [
            Tally(
                row.component_code,
                int(row.month),
                row.points,
                row.sign,
                is_apart and bool(row.is_late),
            )
            for row in entries
        ]
        score = asdict(
            scoring.score(
                definition,
                tallies,
                year=int(facts.period),
                is_exempt=facts.is_exempt,
                member_class=facts.member_class,
            )
        )
    content = {
        "v": version,
        "unit": "1/100",
        "facts": asdict(facts),
        "entries": {
            "count": len(entries),
            "first_seq": entries[0].seq if entries else None,
            "last_seq": entries[-1].seq if entries else None,
            "points": sum(row.points for row in entries),
        },
        "score": score,
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest_of(content: str) -> str:
    """SHA-256 of a statement's text."""
    return hashlib.sha256(content.encode()).hexdigest()


def read(content: str) -> Said | None:
    """What a text says; None if it is no statement of ours."""
    try:
        data = json.loads(content)
        score, entries = data["score"], data["entries"]
        return Said(
            version=data["v"],
            facts=Facts(**data["facts"]),
            total=score["total"] if score else None,
            entries=entries["count"],
            points=entries["points"],
        )
    except (KeyError, TypeError, ValueError):
        return None
