"""Keyset cursors: opaque to the client, stable under writes, never an offset."""

import base64
import json
from typing import Any

from marshmallow import fields

from api.fields import InSchema, OutSchema, QueryCount
from core.paging import Page

LIMIT_MAX = 200


class Cursor(fields.String):
    """The opaque position that the previous page returned: the last row's sort key."""

    default_error_messages = {"invalid": "翻页位置无效，请从第一页开始"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            raw = base64.urlsafe_b64decode(str(value)[:400] + "==")
            key = json.loads(raw)
        except ValueError as error:
            raise self.make_error("invalid") from error
        if not isinstance(key, list) or not key or not all(_is_sort_key(part) for part in key):
            raise self.make_error("invalid")
        return key


def _is_sort_key(part: Any) -> bool:
    # What both databases can compare: truth values, NUL, surrogates and huge numbers they cannot.
    if isinstance(part, str):
        return part.isprintable()
    return type(part) is int and 0 <= part < 2**63


class PageQuery(InSchema):
    """Query of every list."""

    cursor = Cursor(metadata={"description": "上一页返回的 next_cursor", "example": "WyIx"})
    limit = QueryCount(
        minimum=1,
        maximum=LIMIT_MAX,
        load_default=50,
        metadata={"description": f"每页条数，最多 {LIMIT_MAX}", "example": 50},
    )


def encode_cursor(key: list[str | int]) -> str:
    """The opaque form of a sort key."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def encode_page(page: Page[Any]) -> dict[str, Any]:
    """A page as its schema dumps it."""
    return {
        "items": page.items,
        "next_cursor": encode_cursor(page.next_key) if page.next_key else None,
    }


def page_of(item_schema: type[OutSchema]) -> type[OutSchema]:
    """The schema of a page of items, with the cursor of the next page or null."""
    name = item_schema.__name__.removesuffix("Out") + "Page"
    return OutSchema.from_dict(  # type: ignore[return-value]
        {
            "items": fields.List(fields.Nested(item_schema), required=True),
            "next_cursor": fields.String(
                required=True, allow_none=True, metadata={"example": None}
            ),
        },
        name=name,
    )
