"""The nightly self-audit: the whole ledger is added up again, and what is wrong is said aloud."""

from datetime import datetime

from sqlalchemy.orm import Session

from core import alerts
from core.db import snapshot
from points import verification

ALERT = "ledger_faults"


def audit(session: Session, *, now: datetime) -> int:
    """Verify the ledger and raise or resolve the operator's alert; returns how many faults.

    Reading comes first and goes by views of its own: the caller's transaction begins only with
    the alert, and holds nothing while the ledger is read.
    """
    report = verification.verify_in_chunks(lambda: snapshot(session))
    if report.faults:
        first = report.findings[0].subject
        message = f"账本核对发现 {report.faults} 处不符，最先的是{first}，请勿改动数据并立即上报。"
        alerts.raise_alert(session, ALERT, message, now=now)
    else:
        alerts.resolve(session, ALERT, now=now)
    return report.faults
