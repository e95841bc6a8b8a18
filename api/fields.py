"""Strict fields: every bound, character and type is checked here, the same on both engines."""

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask_smorest.fields import Upload
from marshmallow import fields, validate
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import FileStorage

from core.clock import SHANGHAI
from core.quantities import format_points, parse_points

INT_MAX = 2**31 - 1
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})", re.ASCII
)
_YEARS = range(1900, 2101)
_DIGITS = re.compile(r"0|[1-9]\d{0,9}", re.ASCII)

# Whatever field is used, people read Chinese.
fields.Field.default_error_messages |= {"required": "必填", "null": "不能为空值"}
fields.List.default_error_messages |= {"invalid": "应为列表"}
fields.Nested.default_error_messages |= {"type": "应为一个 JSON 对象"}


class InSchema(ma.Schema):
    """Input: unknown fields are refused, in the body and in the query alike."""

    class Meta:
        unknown = ma.RAISE
        ordered = True

    error_messages = {"unknown": "没有这个字段", "type": "应为一个 JSON 对象"}


class OutSchema(ma.Schema):
    """Output: an allow-list; what a schema does not name never leaves the server."""

    def on_bind_field(self, field_name: str, field_obj: ma.fields.Field[Any]) -> None:
        # A client may rely on every field being there; null says that there is no value.
        field_obj.required = not field_obj.metadata.get("optional", False)


class Text(fields.String):
    """Trimmed NFC text of bounded length without control characters or lone surrogates."""

    default_error_messages = {
        "invalid": "应为文字",
        "characters": "含有不能保存的字符",
        "required": "必填",
        "null": "不能为空值",
    }

    def __init__(self, *, length_max: int, length_min: int = 1, lines: bool = False, **kwargs: Any):
        message = f"长度应为 {length_min} 至 {length_max} 个字"
        checks = [validate.Length(min=length_min, max=length_max, error=message)]
        super().__init__(validate=checks, **kwargs)
        self._bounds = checks[0]
        # Composition at most quarters the length; the rest may be blanks around the text.
        self._raw_max = 4 * length_max + 64
        self._allowed_controls = {"\n"} if lines else set()

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        # Putting a run of combining marks into order takes time quadratic in its length.
        if len(text) > self._raw_max:
            raise ma.ValidationError(str(self._bounds.error))
        text = unicodedata.normalize("NFC", text).strip()
        for character in text:
            # Cc: NUL and other controls; Cs: surrogates, which no database can encode.
            if unicodedata.category(character) in ("Cc", "Cs") and (
                character not in self._allowed_controls
            ):
                raise self.make_error("characters")
        return text


class Secret(fields.String):
    """A password: kept byte for byte, only bounded."""

    default_error_messages = {"invalid": "应为文字", "required": "必填", "null": "不能为空值"}

    def __init__(self, **kwargs: Any):
        bounds = validate.Length(min=1, max=128, error="长度应为 1 至 128 个字符")
        super().__init__(validate=bounds, load_only=True, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if not text.isprintable():
            raise self.make_error("invalid")
        return text


class Count(fields.Integer):
    """A JSON integer within bounds: no float, no string, no boolean."""

    default_error_messages = {
        "invalid": "应为整数",
        "too_large": "数值过大",
        "required": "必填",
        "null": "不能为空值",
    }

    def __init__(self, *, minimum: int = 0, maximum: int = INT_MAX, **kwargs: Any):
        bounds = validate.Range(minimum, maximum, error=f"应在 {minimum} 与 {maximum} 之间")
        super().__init__(strict=True, validate=bounds, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid", input=value)
        return value


class Version(Count):
    """The version that the caller saw. Whatever it is, the next one must fit into its column."""

    def __init__(self, *, minimum: int = 1, **kwargs: Any):
        super().__init__(minimum=minimum, maximum=INT_MAX - 1, required=True, **kwargs)


class QueryCount(Count):
    """An integer in a query string: ASCII digits only."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not (isinstance(value, str) and _DIGITS.fullmatch(value)):
            raise self.make_error("invalid", input=value)
        return int(value)


class Flag(fields.Boolean):
    """A JSON boolean, or true/false where all is text; nothing else counts as either."""

    default_error_messages = {"invalid": "应为 true 或 false", "required": "必填"}
    truthy = {True, "true"}
    falsy = {False, "false"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if isinstance(data, MultiDictProxy) and value in ("true", "false"):
            return bool(value == "true")
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Identifier(fields.UUID):
    """A UUID in its one canonical spelling."""

    default_error_messages = {"invalid_uuid": "不是有效的编号", "required": "必填"}

    def _validated(self, value: Any) -> UUID:
        if isinstance(value, UUID):
            return value
        if not (isinstance(value, str) and _UUID.fullmatch(value)):
            raise self.make_error("invalid_uuid")
        return UUID(value)


class Day(fields.Date):
    """A business date, YYYY-MM-DD, from 1900 to 2100."""

    default_error_messages = {
        "invalid": "应为 YYYY-MM-DD 的日期",
        "years": "年份应在 1900 与 2100 之间",
        "required": "必填",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        if not (isinstance(value, str) and _DATE.fullmatch(value)):
            raise self.make_error("invalid")
        try:
            day = date.fromisoformat(value)
        except ValueError as error:
            raise self.make_error("invalid") from error
        if day.year not in _YEARS:
            raise self.make_error("years")
        return day


class Instant(fields.AwareDateTime):
    """An instant with its offset, RFC 3339; written with +08:00."""

    default_error_messages = {
        "invalid": "应为带时区的时间，例如 2026-03-01T09:00:00+08:00",
        "years": "年份应在 1900 与 2100 之间",
        "required": "必填",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not (isinstance(value, str) and _INSTANT.fullmatch(value)):
            raise self.make_error("invalid", input=value)
        try:
            at = datetime.fromisoformat(value)
        except ValueError as error:
            raise self.make_error("invalid", input=value) from error
        if at.year not in _YEARS:
            raise self.make_error("years")
        return at.astimezone(UTC)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else value.astimezone(SHANGHAI).isoformat(timespec="seconds")


class PointsText(fields.Field[int]):
    """Points as a decimal string: 250 hundredths are "2.5"."""

    default_error_messages = {"invalid": "应为最多两位小数的数字文本"}

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else format_points(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            return parse_points(value)
        except ValueError as error:
            raise self.make_error("invalid") from error


class Choice(fields.String):
    """One of a fixed set of words."""

    default_error_messages = {"invalid": "应为文字", "required": "必填"}

    def __init__(self, values: Any, **kwargs: Any):
        words = [str(word) for word in values]
        listed = validate.OneOf(words, error="应为以下之一：" + "、".join(words))
        super().__init__(validate=listed, **kwargs)


class FilePart(Upload):
    """A file part; its kind is told by its content, so its name and media type are ignored."""

    default_error_messages = {"invalid": "应为一个文件", "required": "必填"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> FileStorage:
        if not isinstance(value, FileStorage):
            raise self.make_error("invalid")
        return value
