"""How often a thing may be tried, counted in the database: by all processes, over restarts.

A window begins with its first try. Counting is one statement for any number of limits; if one of
them is reached, none is counted.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.db import UtcDateTime, vault_of
from core.errors import TooManyRequests
from core.rows import dialect_of, ordered_insert, row_source, rows_parameter
from members.session_models import AttemptLimit


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count_max` tries of one subject within `window`; the name tells limits apart."""

    name: str
    count_max: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class Try:
    """One try that counts against a limit, of whoever or whatever the subject is."""

    limit: Limit
    subject: str


class TooManyTries(TooManyRequests):
    """A limit is reached; whether the phone has an account changes nothing about it."""

    code = "auth.too_many"
    title = "试得太频繁，请稍后再来"


def count(session: Session, tries: Sequence[Try], *, now: datetime) -> None:
    """Count a try against each limit; the caller commits before the try is made.

    Raises:
        TooManyTries: a limit is reached; the caller's transaction counts nothing then.
    """
    rows = [
        _key(session, one)
        | {"count": 1, "count_max": one.limit.count_max, "ends_at": now + one.limit.window}
        for one in tries
    ]
    parameters = rows_parameter(session, rows)
    counted = session.execute(_counting(dialect_of(session)), parameters | {"now": now}).all()
    if len(counted) < len(rows):
        full = session.scalars(_reading_full(dialect_of(session)), parameters).all()
        wait = max(full, default=now) - now
        raise TooManyTries(int(wait.total_seconds()) + 1)


def give_back(session: Session, tries: Sequence[Try]) -> None:
    """Take a try back that was no guess: only failures use up a limit."""
    rows = [_key(session, one) for one in tries]
    session.execute(_giving_back(dialect_of(session)), rows_parameter(session, rows))


def address_block(address: str) -> str:
    """What one subscriber can change his address within: a /24, or a /48 of version 6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    bits = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network((parsed, bits), strict=False))


def _key(session: Session, one: Try) -> dict[str, Any]:
    subject = vault_of(session).blind_index(one.subject, purpose=f"limit:{one.limit.name}")
    return {"name": one.limit.name, "subject": subject}


@cache
def _counting(dialect: str) -> sa.Executable:
    now = sa.bindparam("now", type_=UtcDateTime)
    insert = ordered_insert(
        dialect, AttemptLimit, ("name", "subject", "count", "count_max", "ends_at")
    )
    given, is_over = insert.excluded, AttemptLimit.ends_at <= now
    return insert.on_conflict_do_update(
        index_elements=["name", "subject"],
        set_={
            "count": sa.case((is_over, 1), else_=AttemptLimit.count + 1),
            "ends_at": sa.case((is_over, given.ends_at), else_=AttemptLimit.ends_at),
            "count_max": given.count_max,
        },
        where=is_over | (AttemptLimit.count < given.count_max),
    ).returning(AttemptLimit.name)


@cache
def _reading_full(dialect: str) -> sa.Select[datetime]:
    columns = AttemptLimit.__table__.c
    given = row_source(dialect, {n: columns[n].type for n in ("name", "subject", "count_max")})
    return sa.select(AttemptLimit.ends_at).join(
        given,
        (given.c.name == AttemptLimit.name)
        & (given.c.subject == AttemptLimit.subject)
        & (AttemptLimit.count >= given.c.count_max),
    )


@cache
def _giving_back(dialect: str) -> sa.Update:
    columns = AttemptLimit.__table__.c
    given = row_source(dialect, {name: columns[name].type for name in ("name", "subject")})
    return (
        sa.update(AttemptLimit)
        .where(
            AttemptLimit.name == given.c.name,
            AttemptLimit.subject == given.c.subject,
            AttemptLimit.count > 0,
        )
        .values(count=AttemptLimit.count - 1)
        .execution_options(synchronize_session=False)
    )
