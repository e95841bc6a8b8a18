"""The frozen content of a bulletin, and the one way to write it down for its digest."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from points.models import Subject
from points.publicity_models import Bulletin

VERSION = 1
_OF_ROW = ("group_name", "member_name", "item_name", "title", "points")


def digest_of(bulletin: Bulletin, rows: Iterable[Any]) -> str:
    """SHA-256 over the canonical JSON of a bulletin; points are hundredths.

    Args:
        rows: what is published, in its order; each with the columns of a `BulletinEntry`.
    """
    content = {
        "v": VERSION,
        "unit": "1/100",
        "organization_id": str(bulletin.organization_id),
        # Left out where it says nothing, so that what was published before keeps its digest.
        **({} if bulletin.subject == Subject.PARTY_MEMBERS else {"subject": bulletin.subject}),
        "month": bulletin.month,
        "published_on": bulletin.published_on.isoformat(),
        "ends_on": bulletin.ends_on.isoformat(),
        "rows": [_row(row) for row in rows],
    }
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _row(row: Any) -> list[Any]:
    values = [getattr(row, name) for name in _OF_ROW]
    return [str(row.entry_id), row.happened_on.isoformat(), *values]
