"""How much of each cap a member has used: locked in key order, then stored, one statement each."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.rows import Upsert, dialect_of, ordered_insert, row_source, rows_parameter
from points.models import Quota

# (member, scheme code, bucket)
Key = tuple[UUID, str, str]
_KEY = ("member_id", "scheme_code", "bucket")


def lock(session: Session, limits: Mapping[Key, int]) -> dict[Key, int]:
    """Create missing rows, lock all of them until the transaction ends, return what is used.

    One upsert does the three. Its rows are in key order, so two decisions on overlapping
    members wait for each other instead of deadlocking. The height of the cap follows the
    scheme version of the thing being posted, but never sinks below what is already used.
    """
    rows = [_row(key, 0, limit) for key, limit in limits.items()]
    held = session.execute(_locking(dialect_of(session)), rows_parameter(session, rows))
    return {(row[0], row[1], row[2]): row[3] for row in held}


def hold(session: Session, keys: Collection[Key]) -> dict[Key, int]:
    """Lock existing rows in the same order and return what is used; the caps stay as they are."""
    rows = [dict(zip(_KEY, key, strict=True)) for key in keys]
    held = session.execute(_holding(dialect_of(session)), rows_parameter(session, rows))
    return {(row[0], row[1], row[2]): row[3] for row in held}


def store(session: Session, used: Mapping[Key, int]) -> None:
    """Write the new use of rows that are locked; the CHECK refuses anything over the cap."""
    rows = [_row(key, spent, spent) for key, spent in used.items()]
    session.execute(_storing(dialect_of(session)), rows_parameter(session, rows))


def _row(key: Key, used: int, cap: int) -> dict[str, Any]:
    return dict(zip(_KEY, key, strict=True)) | {"used": used, "cap": cap}


@cache
def _locking(dialect: str) -> sa.Insert:
    insert = _insert(dialect)
    used, proposed = _TABLE.c.used, insert.excluded.cap
    cap = sa.case((proposed < used, used), else_=proposed)
    upsert = insert.on_conflict_do_update(index_elements=_KEY, set_={"cap": cap})
    return upsert.returning(*_TABLE.primary_key, used)


@cache
def _holding(dialect: str) -> sa.Select[Any]:
    given = row_source(dialect, {name: _TABLE.c[name].type for name in _KEY})
    return (
        sa.select(*_TABLE.primary_key, _TABLE.c.used)
        .join(given, sa.and_(*(_TABLE.c[name] == given.c[name] for name in _KEY)))
        .order_by(*_TABLE.primary_key)
        .with_for_update(of=_TABLE)
    )


@cache
def _storing(dialect: str) -> sa.Insert:
    insert = _insert(dialect)
    return insert.on_conflict_do_update(index_elements=_KEY, set_={"used": insert.excluded.used})


def _insert(dialect: str) -> Upsert:
    return ordered_insert(dialect, Quota, (*_KEY, "used", "cap"))


_TABLE = cast(sa.Table, Quota.__table__)
