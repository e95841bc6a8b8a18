"""What the Merkle tree holds of an entry: every column, in one canonical text."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from points import merkle
from points.models import LedgerEntry

# Whoever adds a column to the ledger adds it here under a new version, and entries sealed before
# keep theirs: a sealed text never changes.
VERSION = 1
FIELDS = (
    "seq",
    "id",
    "claim_id",
    "reverses_id",
    "source_kind",
    "source_id",
    "source_revision",
    "subject",
    "member_id",
    "organization_id",
    "about_period_id",
    "period_id",
    "scheme_version_id",
    "item_code",
    "component_code",
    "title",
    "happened_on",
    "asked",
    "points",
    "binding_cap",
    "inputs",
    "reason",
    "actor_id",
    "request_id",
    "posted_at",
)
COLUMNS: tuple[sa.ColumnElement[Any], ...] = tuple(LedgerEntry.__table__.c[name] for name in FIELDS)
_ENCODE = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False
).encode


def content_of(values: Sequence[Any]) -> str:
    """The canonical JSON of an entry.

    Args:
        values: the columns COLUMNS of one row, in that order.
    """
    fields = dict(zip(FIELDS, map(_plain, values), strict=True))
    fields["v"] = VERSION
    return _ENCODE(fields)


def hash_of(values: Sequence[Any]) -> bytes:
    """The leaf hash of an entry."""
    return merkle.leaf_hash(content_of(values).encode())


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    return value
