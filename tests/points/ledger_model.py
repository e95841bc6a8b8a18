"""What claims, caps, deductions and reversals should come to, as plainly as it can be said."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from points.review import Action, Decision

# A secretary's own claim, once sent in again, is decided by the body above (decision 7).
OFFICER_ABOVE = "街道干事"
# Of the start scheme: service a day and a year, the component that gains go to, attendance a
# year, and what a member starts with and can lose.
DAY_CAP, YEAR_CAP, BONUS_CAP, PRESENT_CAP, BASE = 800, 1000, 3000, 2400, 6000
ATTENDED = {"present": 200, "absent_unexcused": -200, "leave_approved": None}


@dataclass
class ModelClaim:
    """What a claim should look like."""

    member: str
    day: date
    minutes: int
    status: str = "pending"
    version: int = 1
    is_decided_above: bool = False


@dataclass
class ModelEntry:
    """What an entry should hold."""

    member: str
    day: date
    points: int
    source: UUID
    kind: str = "service"
    is_reversal: bool = False
    is_reversed: bool = False
    # In the next year, naming the closed one.
    is_late: bool = False


@dataclass
class Model:
    """The rules once more, as plainly as they can be said."""

    claims: dict[UUID, ModelClaim] = field(default_factory=dict)
    entries: dict[UUID, ModelEntry] = field(default_factory=dict)
    # Whether anything can be posted: the year is open, or closed with the next one open.
    is_open: bool = True
    is_closed: bool = False

    def used(self, member: str, *kinds: str, day: date | None = None) -> int:
        mine = (e for e in self.entries.values() if e.member == member and e.kind in kinds)
        return abs(sum(entry.points for entry in mine if day in (None, entry.day)))

    def grant(self, claim: ModelClaim) -> int:
        room = min(
            YEAR_CAP - self.used(claim.member, "service"),
            DAY_CAP - self.used(claim.member, "service", day=claim.day),
            BONUS_CAP - self.used(claim.member, "service", "present"),
        )
        return min(claim.minutes // 30 * 50, room)

    def credit(self, member: str, status: str) -> int | None:
        if not self.is_open or ATTENDED[status] is None:
            return None
        if status == "absent_unexcused":
            return -min(200, BASE - self.used(member, status))
        bonus = BONUS_CAP - self.used(member, "service", "present")
        return min(200, PRESENT_CAP - self.used(member, "present"), bonus)

    def verdict(self, reviewer: str, decision: Decision) -> str:
        """The code that a decision is refused with, or what becomes of the claim."""
        claim = self.claims[decision.claim_id]
        if claim.is_decided_above != (reviewer == OFFICER_ABOVE):
            return "not_found"
        if claim.member == reviewer:
            return "claim.own"
        if claim.status != "pending" or claim.version != decision.version:
            return "claim.already_decided"
        if decision.action is Action.RETURN:
            return "returned" if decision.reason else "claim.reason_required"
        return "approved" if self.is_open else "period.closed"

    def refusal_of_reversal(self, original: ModelEntry, reviewer: str) -> str | None:
        """The code that taking an entry back is refused with."""
        if original.is_reversal:
            return "entry.not_reversible"
        if original.member == reviewer:
            return "perm.denied"
        if not self.is_open:
            return "period.closed"
        return "entry.already_reversed" if original.is_reversed else None
