"""One page of a keyset-ordered list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import RuleViolation

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items, and the sort key of the last one when there are more."""

    items: Sequence[Item]
    next_key: list[str | int] | None


def cut(rows: Sequence[Item], limit: int, key: Callable[[Item], list[str | int]]) -> Page[Item]:
    """Make a page of rows that were fetched with one more than `limit`."""
    items = rows[:limit]
    return Page(items, key(items[-1]) if len(rows) > limit else None)


def newest_first(
    session: Session,
    query: sa.Select[*tuple[Any, ...]],
    entity: Any,
    *,
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    """A page of a query by falling id of one of its entities: entities, or rows that hold it.

    Raises:
        InvalidCursor: the cursor has another shape.
    """
    last_id = id_key(after)
    if last_id is not None:
        query = query.where(entity.id < last_id)
    return _page_by_id(session, query.order_by(entity.id.desc()), entity, limit)


def oldest_first(
    session: Session,
    query: sa.Select[*tuple[Any, ...]],
    entity: Any,
    *,
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    """The same by rising id, for what waits its turn."""
    last_id = id_key(after)
    if last_id is not None:
        query = query.where(entity.id > last_id)
    return _page_by_id(session, query.order_by(entity.id), entity, limit)


class InvalidCursor(RuleViolation):
    """A cursor that this list did not hand out."""

    code = "cursor.invalid"
    title = "翻页位置无效，请从第一页开始"


def id_key(key: list[str | int] | None) -> UUID | None:
    """Read the sort key of a list that is ordered by one id.

    Raises:
        InvalidCursor: the key has another shape.
    """
    if key is None:
        return None
    try:
        (text,) = key
        return UUID(str(text))
    except ValueError as error:
        raise InvalidCursor from error


def seq_key(key: list[str | int]) -> int:
    """Read the sort key of a list that is ordered by one number.

    Raises:
        InvalidCursor: the key has another shape.
    """
    if len(key) != 1 or not isinstance(key[0], int) or not 0 < key[0] < 2**63:
        raise InvalidCursor
    return key[0]


def _page_by_id(
    session: Session, query: sa.Select[*tuple[Any, ...]], entity: Any, limit: int
) -> Page[Any]:
    rows: Sequence[Any] = session.execute(query.limit(limit + 1)).all()
    if len(query.column_descriptions) == 1:
        return cut([row[0] for row in rows], limit, lambda item: [str(item.id)])
    name = entity.__name__
    return cut(rows, limit, lambda row: [str(getattr(row, name).id)])
