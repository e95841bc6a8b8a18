"""Sealing and indexing again, after a change of the suite or of a key: in batches, restartable.

What is current already is passed over, so a command that was stopped simply runs again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.crypto import SealingKey, Vault
from core.db import Base, vault_of
from members import id_numbers, member_keys, phones
from members.contact.contact_numbers import number_context

BATCH_ROWS = 500
Row = sa.RowMapping


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of values that are sealed with their member's key, and how they are found.

    Attributes:
        owner: the column that says whose the value is.
        index: the column of its digest, and the purpose of the digest.
        followers: columns elsewhere that repeat the digest.
    """

    table: str
    column: str
    owner: str
    context: Callable[[Row], str]
    index: tuple[str, str] | None = None
    followers: tuple[tuple[str, str], ...] = ()


SEALED: tuple[SealedColumn, ...] = (
    SealedColumn(
        "member",
        "phone_sealed",
        "id",
        lambda row: phones.phone_context(row["id"]),
        ("phone_index", phones.INDEX_PURPOSE),
        (("account", "phone_index"),),
    ),
    SealedColumn(
        "member",
        "id_number_sealed",
        "id",
        lambda row: id_numbers.id_number_context(row["id"]),
        ("id_number_index", id_numbers.INDEX_PURPOSE),
    ),
    SealedColumn(
        "contact_number",
        "phone_sealed",
        "member_id",
        lambda row: number_context(row["id"]),
        ("phone_index", phones.INDEX_PURPOSE),
    ),
)


def rewrap_keys(session: Session) -> Iterator[int]:
    """Seal the members' keys with today's master key; yields rows looked at, to commit at each."""
    table = Base.metadata.tables["member_key"]
    vault = vault_of(session)
    for rows in _batches(session, table, ["key_sealed"]):
        changed = [
            {"key_member_id": row["member_id"], "value": _rewrapped(vault, row)}
            for row in rows
            if not vault.master.sealed(row["key_sealed"])
        ]
        _update(session, table, {"key_sealed": "value"}, changed)
        yield len(rows)


def reseal(session: Session, sealed: SealedColumn) -> Iterator[int]:
    """The same for one column of sealed values, with its digests."""
    table = Base.metadata.tables[sealed.table]
    columns = [sealed.column, sealed.owner, *([sealed.index[0]] if sealed.index else [])]
    for rows in _batches(session, table, columns):
        keys = member_keys.ensure(session, [row[sealed.owner] for row in rows])
        vault = vault_of(session)
        found = [_again(vault, keys[row[sealed.owner]], sealed, row) for row in rows]
        changed = [one for one in found if one is not None]
        values = {sealed.column: "value"} | ({sealed.index[0]: "new"} if sealed.index else {})
        _update(session, table, values, changed)
        _follow(session, sealed, changed)
        yield len(rows)


def _again(vault: Vault, key: SealingKey, sealed: SealedColumn, row: Row) -> dict[str, Any] | None:
    """The parameters of a row's update; None where it is current."""
    value, context = row[sealed.column], sealed.context(row)
    opener = vault.decrypt if vault.has_sealed(value) else key.open
    plain = opener(value, context=context)
    digests = {}
    if sealed.index:
        column, purpose = sealed.index
        digests = {"old": row[column], "new": vault.blind_index(plain.decode(), purpose=purpose)}
    if key.sealed(value) and digests.get("old") == digests.get("new"):
        return None
    keys = {f"key_{column.name}": row[column.name] for column in _primary_key(sealed.table)}
    return {"value": key.seal(plain, context=context), **digests, **keys}


def _rewrapped(vault: Vault, row: Row) -> bytes:
    member_id = row["member_id"]
    return member_keys.wrap(
        vault, member_id, member_keys.unwrap(vault, member_id, row["key_sealed"])
    )


def _batches(session: Session, table: sa.Table, columns: Sequence[str]) -> Iterator[Sequence[Row]]:
    """Rows with a sealed value by primary key, locked until the caller commits."""
    keys = _primary_key(table.name)
    names = dict.fromkeys((*(column.name for column in keys), *columns))
    query = (
        sa.select(*(table.c[name] for name in names))
        # An erased value is empty.
        .where(sa.func.length(table.c[columns[0]]) > 0)
        .order_by(*keys)
        .limit(BATCH_ROWS)
        .with_for_update(key_share=True)
    )
    rows = session.execute(query).mappings().all()
    while rows:
        yield rows
        last = [sa.literal(rows[-1][column.name], column.type) for column in keys]
        beyond = query.where(sa.tuple_(*keys) > sa.tuple_(*last))
        rows = session.execute(beyond).mappings().all()


def _update(
    session: Session, table: sa.Table, values: dict[str, str], rows: Sequence[dict[str, Any]]
) -> None:
    if not rows:
        return
    statement = (
        sa.update(table)
        .where(
            *(c == sa.bindparam(f"key_{c.name}", type_=c.type) for c in _primary_key(table.name))
        )
        .values({name: sa.bindparam(given) for name, given in values.items()})
    )
    given = {*values.values(), *(f"key_{column.name}" for column in _primary_key(table.name))}
    session.connection().execute(statement, [{name: row[name] for name in given} for row in rows])


def _follow(session: Session, sealed: SealedColumn, rows: Sequence[dict[str, Any]]) -> None:
    moved = [
        {"old": row["old"], "new": row["new"]} for row in rows if row.get("old") != row.get("new")
    ]
    for name, column in sealed.followers if moved else ():
        follower = Base.metadata.tables[name]
        is_old = follower.c[column] == sa.bindparam("old")
        statement = sa.update(follower).where(is_old).values({column: sa.bindparam("new")})
        session.connection().execute(statement, moved)


def _primary_key(table: str) -> list[sa.Column[Any]]:
    return list(Base.metadata.tables[table].primary_key)
