"""Days as numbers in SQL: the one arithmetic on dates that both engines do alike."""

from datetime import date
from typing import Any

import sqlalchemy as sa

_EPOCH = date(1970, 1, 1)
# 1970-01-01 as SQLite counts days; its days begin at noon.
_JULIAN_EPOCH = 2440587.5


def number_of(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def day_number(dialect: str, day: Any) -> sa.ColumnElement[int]:
    """The same of a date column or parameter."""
    if dialect == "sqlite":
        return sa.cast(sa.func.julianday(day) - _JULIAN_EPOCH, sa.Integer)
    days = sa.cast(day, sa.Date) - sa.cast(sa.literal(_EPOCH, sa.Date), sa.Date)
    return sa.type_coerce(days, sa.Integer)


def later_of(dialect: str, *numbers: Any) -> sa.ColumnElement[int]:
    """The greatest of some numbers, none of them null."""
    return sa.func.max(*numbers) if dialect == "sqlite" else sa.func.greatest(*numbers)


def earlier_of(dialect: str, *numbers: Any) -> sa.ColumnElement[int]:
    """The least of some numbers, none of them null."""
    return sa.func.min(*numbers) if dialect == "sqlite" else sa.func.least(*numbers)
