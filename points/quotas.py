"""How much of each cap a member has used: locked in key order, then stored, one statement each."""

from collections.abc import Callable, Mapping
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.rows import Upsert, upsert_rows
from points.models import Quota

# (member, scheme code, bucket)
Key = tuple[UUID, str, str]


def lock(session: Session, limits: Mapping[Key, int]) -> dict[Key, int]:
    """Create missing rows, lock all of them until the transaction ends, return what is used.

    One upsert does the three. Its rows are in key order, so two decisions on overlapping
    members wait for each other instead of deadlocking. The height of the cap follows the
    scheme version of the thing being posted, but never sinks below what is already used.
    """
    rows = [_row(key, 0, limit) for key, limit in limits.items()]
    return _upsert(session, rows, _new_cap)


def store(session: Session, used: Mapping[Key, int]) -> None:
    """Write the new use of rows that `lock` holds; the CHECK refuses anything over the cap."""
    rows = [_row(key, spent, spent) for key, spent in used.items()]
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
    insert = upsert_rows(session, Quota, rows)
    statement = insert.on_conflict_do_update(
        index_elements=["member_id", "scheme_code", "bucket"], set_=changes(insert)
    ).returning(Quota.member_id, Quota.scheme_code, Quota.bucket, Quota.used)
    return {(row[0], row[1], row[2]): row[3] for row in session.execute(statement)}
