"""How much of each cap a member has used: locked in key order, then stored, one statement each."""

from collections.abc import Callable, Mapping
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from points.models import Quota

Upsert = postgresql.Insert | sqlite.Insert
# (member, scheme code, bucket)
Key = tuple[UUID, str, str]


def lock(session: Session, limits: Mapping[Key, int]) -> dict[Key, int]:
    """Create missing rows, lock all of them until the transaction ends, return what is used.

    One upsert does the three. Its rows are in key order, so two decisions on overlapping
    members wait for each other instead of deadlocking. The height of the cap follows the
    scheme version of the thing being posted, but never sinks below what is already used.
    """
    rows = [_row(key, 0, limits[key]) for key in sorted(limits)]
    return _upsert(session, rows, _new_cap)


def store(session: Session, used: Mapping[Key, int]) -> None:
    """Write the new use of rows that `lock` holds; the CHECK refuses anything over the cap."""
    rows = [_row(key, used[key], used[key]) for key in sorted(used)]
    _upsert(session, rows, lambda insert: {"used": insert.excluded.used})


def _row(key: Key, used: int, cap: int) -> dict[str, object]:
    member_id, scheme_code, bucket = key
    return {
        "member_id": member_id,
        "scheme_code": scheme_code,
        "bucket": bucket,
        "used": used,
        "cap": cap,
    }


def _new_cap(insert: Upsert) -> dict[str, object]:
    proposed = insert.excluded.cap
    return {"cap": sa.case((proposed < Quota.used, Quota.used), else_=proposed)}


def _upsert(
    session: Session, rows: list[dict[str, object]], changes: Callable[[Upsert], dict[str, object]]
) -> dict[Key, int]:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(Quota)
    statement: sa.Insert = insert.on_conflict_do_update(
        index_elements=["member_id", "scheme_code", "bucket"], set_=changes(insert)
    ).returning(Quota.member_id, Quota.scheme_code, Quota.bucket, Quota.used)
    return {(row[0], row[1], row[2]): row[3] for row in session.execute(statement, rows)}
