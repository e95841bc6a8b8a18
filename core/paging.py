"""One page of a keyset-ordered list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

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
