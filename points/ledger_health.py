"""What the last self-audit has found, and how far the ledger is sealed."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.alerts import OperatorAlert
from core.job_records import JobRun, JobRunState
from points.proof_models import LedgerBlock
from points.self_audit import ALERT

# The name that the schedule gives to `self_audit.audit`.
JOB = "self-audit"


@dataclass(frozen=True, slots=True)
class LedgerHealth:
    """The result of the last verification of the whole ledger; None where there was none yet."""

    checked_at: datetime | None
    faults: int | None
    message: str
    sealed_entries: int
    head: str | None
    sealed_at: datetime | None

    @property
    def is_sound(self) -> bool:
        """Whether it was verified, and nothing was wrong."""
        return self.faults == 0


def read_health(session: Session) -> LedgerHealth:
    """The last self-audit that came to its end, with the words of the alert that it raised."""
    run = session.scalar(
        sa.select(JobRun)
        .where(JobRun.job == JOB, JobRun.state == JobRunState.DONE)
        .order_by(JobRun.finished_at.desc())
        .limit(1)
    )
    message = session.scalar(
        sa.select(OperatorAlert.message).where(
            OperatorAlert.code == ALERT, OperatorAlert.resolved_at.is_(None)
        )
    )
    block = session.scalar(sa.select(LedgerBlock).order_by(LedgerBlock.number.desc()).limit(1))
    return LedgerHealth(
        checked_at=run.finished_at if run else None,
        faults=run.outcome_count if run else None,
        message=message or "",
        sealed_entries=block.size if block else 0,
        head=block.root if block else None,
        sealed_at=block.sealed_at if block else None,
    )
