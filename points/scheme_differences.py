"""What changes from one scheme to another, in sentences; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from core.quantities import format_points
from points.definitions import Definition
from points.scheme_words import name_of, shown

# Kinds of parts that have a code; bands are compared as a whole.
_PARTS = {"components": "组成部分", "groups": "项目组", "items": "项目"}


def compare(before: Definition, after: Definition) -> list[str]:
    """The changes of the scheme, of its components, items and bands, in this order."""
    return [
        *_changes("方案", before, after),
        *_changes_of_parts(before, after),
        *_changes_of_bands(before, after),
    ]


def _changes(called: str, before: Any, after: Any) -> Iterator[str]:
    for one in fields(before):
        if one.name in _PARTS or one.name == "bands":
            continue
        old, new = getattr(before, one.name), getattr(after, one.name)
        if old != new:
            change = f"由“{shown(old, one.type)}”改为“{shown(new, one.type)}”"
            yield f"{called}的{name_of(one.name)}{change}。"


def _changes_of_parts(before: Definition, after: Definition) -> Iterator[str]:
    for name, called in _PARTS.items():
        old: Mapping[str, Any] = getattr(before, name, {})
        new: Mapping[str, Any] = getattr(after, name, {})
        for code, part in old.items():
            if code not in new:
                yield f"删去{called}“{part.name}”。"
        for code, part in new.items():
            if code in old:
                yield from _changes(f"{called}“{part.name}”", old[code], part)
            else:
                yield f"新增{called}“{part.name}”。"


def _changes_of_bands(before: Definition, after: Definition) -> Iterator[str]:
    if before.bands != after.bands:
        old, new = (
            "，".join(f"{band.name} {format_points(band.lower)} 分起" for band in one.bands)
            for one in (before, after)
        )
        yield f"等次由“{old}”改为“{new}”。"
