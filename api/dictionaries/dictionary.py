"""One dictionary: every value of an enumeration with the words that people read."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Dictionary:
    """The words of one enumeration, in its order."""

    values: type[enum.StrEnum]
    labels: Mapping[str, str]


def worded(values: type[enum.StrEnum], **labels: str) -> Dictionary:
    """Words for exactly the values of an enumeration.

    Raises:
        ValueError: a value has no word, or a word no value; so that no release lags behind.
    """
    return named(values, labels)


def named(values: type[enum.StrEnum], labels: Mapping[Any, str]) -> Dictionary:
    """The same, of words that stand elsewhere already, or whose values are no names."""
    known = {str(value): labels.get(value, "") for value in values}
    if "" in known.values() or len(known) != len(labels):
        raise ValueError(f"the words of {values.__name__} are not those of its values")
    return Dictionary(values, known)
