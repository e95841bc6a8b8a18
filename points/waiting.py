"""What still waits for somebody's decision before a period can be closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from points import rules, schemes
from points.models import Claim, ClaimStatus, Period


@dataclass(frozen=True, slots=True)
class Waiting:
    """One kind of open business: a code, how much of it there is, and a sentence."""

    code: str
    count: int
    message: str


def find_waiting(session: Session, period: Period, *, today: date) -> list[Waiting]:
    """What is open in a period, kind by kind; empty when it can be closed."""
    found = []
    cutoffs = {scheme.definition.cutoff for scheme in schemes.load_published(session)}
    deadline = max(
        (rules.claim_deadline(cutoff, period.ends_on) for cutoff in cutoffs),
        default=period.ends_on,
    )
    if today <= deadline:
        found.append(Waiting("claim_window", 1, f"申报截止日 {deadline} 还没有过。"))
    for code, count, message in _COUNTS:
        number = session.scalar(count, {"starts_on": period.starts_on, "ends_on": period.ends_on})
        if number:
            found.append(Waiting(code, number, message.format(number)))
    return found


_DAYS = (sa.bindparam("starts_on", type_=sa.Date), sa.bindparam("ends_on", type_=sa.Date))
_COUNTS: Sequence[tuple[str, sa.Select[int], str]] = (
    (
        "pending_claims",
        sa.select(sa.func.count(Claim.id)).where(
            Claim.status == ClaimStatus.PENDING, Claim.happened_on.between(*_DAYS)
        ),
        "还有 {} 项申报没有审核。",
    ),
)
