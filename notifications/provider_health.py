"""Keeping the breakers of the providers."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.rows import dialect_of, ordered_insert, rows_parameter
from notifications.breaker import Breaker, after
from notifications.channels.sender import Answer, Result
from notifications.delivery_models import ProviderBreaker

_FAILURES = (Result.TRY_AGAIN, Result.UNKNOWN)


def read_breaker(session: Session, provider: str) -> Breaker:
    """How the provider has been answering."""
    row = session.execute(
        sa.select(ProviderBreaker.failures, ProviderBreaker.open_until).where(
            ProviderBreaker.provider == provider
        )
    ).first()
    return Breaker(row.failures, row.open_until) if row else Breaker()


def note_answer(session: Session, provider: str, answer: Answer, *, now: datetime) -> None:
    """Count an answer; while all is well nothing is written.

    Two that fail at once may count as one: the breaker then opens one failure later.
    """
    before = read_breaker(session, provider)
    breaker = after(before, is_failure=answer.result in _FAILURES, now=now)
    if breaker == before:
        return
    row = {
        "provider": provider,
        "failures": breaker.failures,
        "open_until": breaker.open_until,
    }
    insert = ordered_insert(dialect_of(session), ProviderBreaker, tuple(row))
    given = {name: insert.excluded[name] for name in ("failures", "open_until")}
    session.execute(
        insert.on_conflict_do_update(index_elements=["provider"], set_=given),
        rows_parameter(session, [row]),
    )
