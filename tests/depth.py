"""How far the tests go that could go on for ever: a part at each change, all by `make deep`."""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

DEEP = os.environ.get("TEST_DEPTH") == "deep"
# At each change every so manieth of a list is tried.
STRIDE = 8

T = TypeVar("T")


def far(*, deep: int, quick: int) -> int:
    """How often to repeat: `quick` at each change."""
    return deep if DEEP else quick


def spread(items: Iterable[T], turn: int) -> Iterator[T]:
    """All items in depth; else one in STRIDE, beginning elsewhere with each turn.

    Among any STRIDE turns in a row every item comes up, so nothing in a list is never tried.
    """
    return iter(items) if DEEP else islice(items, turn % STRIDE, None, STRIDE)
