"""What still waits for somebody's decision before a period can be closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from points import publishable, rules, schemes
from points.models import Claim, ClaimStatus, LedgerEntry, Period
from points.publicity_models import (
    Adjustment,
    AdjustmentStatus,
    Bulletin,
    BulletinEntry,
    BulletinStatus,
    Objection,
    ObjectionStatus,
)


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
        number = session.scalar(
            count,
            {"period": period.id, "starts_on": period.starts_on, "ends_on": period.ends_on},
        )
        if number:
            found.append(Waiting(code, number, message.format(number)))
    return found


_DAYS = (sa.bindparam("starts_on", type_=sa.Date), sa.bindparam("ends_on", type_=sa.Date))
_IN_PERIOD = LedgerEntry.period_id == sa.bindparam("period", type_=sa.Uuid)
_COUNTS: Sequence[tuple[str, sa.Select[int], str]] = (
    (
        "pending_claims",
        sa.select(sa.func.count(Claim.id)).where(
            Claim.status == ClaimStatus.PENDING, Claim.happened_on.between(*_DAYS)
        ),
        "还有 {} 项申报没有审核。",
    ),
    (
        "pending_deductions",
        sa.select(sa.func.count(Adjustment.id)).where(
            Adjustment.status == AdjustmentStatus.PENDING, Adjustment.happened_on.between(*_DAYS)
        ),
        "还有 {} 项拟扣分或一票否决没有办结。",
    ),
    (
        "unpublished_entries",
        sa.select(sa.func.count(LedgerEntry.id)).where(_IN_PERIOD, publishable.is_due()),
        "还有 {} 笔积分没有公示。",
    ),
    (
        "open_bulletins",
        sa.select(sa.func.count(sa.distinct(Bulletin.id)))
        .join(BulletinEntry, BulletinEntry.bulletin_id == Bulletin.id)
        .join(LedgerEntry, LedgerEntry.id == BulletinEntry.entry_id)
        .where(Bulletin.status == BulletinStatus.OPEN, _IN_PERIOD),
        "还有 {} 次公示没有结束。",
    ),
    (
        "open_objections",
        sa.select(sa.func.count(Objection.id))
        .outerjoin(LedgerEntry, LedgerEntry.id == Objection.entry_id)
        .outerjoin(Adjustment, Adjustment.id == Objection.adjustment_id)
        .where(
            Objection.status == ObjectionStatus.OPEN,
            _IN_PERIOD | Adjustment.happened_on.between(*_DAYS),
        ),
        "还有 {} 项异议没有答复。",
    ),
)
