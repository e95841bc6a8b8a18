"""Alerts to whoever runs the system: what a job found that a person must look at."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, UtcDateTime

log = structlog.get_logger(__name__)


class OperatorAlert(Base):
    """One thing that is wrong until somebody or something finds it right; no personal data."""

    __tablename__ = "operator_alert"

    code: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    message: Mapped[str] = mapped_column(sa.String(300))
    raised_at: Mapped[datetime] = mapped_column(UtcDateTime)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


def raise_alert(session: Session, code: str, message: str, *, now: datetime) -> None:
    """Say what is wrong; an alert that stands keeps its first instant and takes the new words."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(OperatorAlert).values(code=code, message=message, raised_at=now)
    stands = OperatorAlert.resolved_at.is_(None)
    raised_at = sa.case((stands, OperatorAlert.raised_at), else_=insert.excluded.raised_at)
    session.execute(
        insert.on_conflict_do_update(
            index_elements=["code"],
            set_={"message": message, "raised_at": raised_at, "resolved_at": None},
        )
    )
    log.error("alert", code=code, message=message)


def resolve(session: Session, code: str, *, now: datetime) -> None:
    """The thing is right again; nothing happens where it never was wrong."""
    session.execute(
        sa.update(OperatorAlert)
        .where(OperatorAlert.code == code, OperatorAlert.resolved_at.is_(None))
        .values(resolved_at=now)
    )


def list_standing(session: Session) -> Sequence[OperatorAlert]:
    """What is wrong now, the oldest first."""
    return session.scalars(
        sa.select(OperatorAlert)
        .where(OperatorAlert.resolved_at.is_(None))
        .order_by(OperatorAlert.raised_at, OperatorAlert.code)
    ).all()
