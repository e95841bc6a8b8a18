"""The month of an instant is Shanghai's, on both engines."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.business_month import business_month
from core.db import UtcDateTime


@pytest.mark.parametrize(
    ("instant", "month"),
    [
        (datetime(2027, 2, 28, 15, 59, 59, tzinfo=UTC), 2),
        (datetime(2027, 2, 28, 16, 0, tzinfo=UTC), 3),
        (datetime(2026, 12, 31, 20, 0, tzinfo=UTC), 1),
    ],
)
def test_a_month_begins_at_midnight_in_shanghai(
    session: Session, instant: datetime, month: int
) -> None:
    given = sa.literal(instant, UtcDateTime())

    assert session.scalar(sa.select(business_month(given))) == month
