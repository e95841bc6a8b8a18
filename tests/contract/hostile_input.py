"""The corpus of hostile input by the type of field, and how it is put into a request."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.served import ABSENT_ID, Document


@dataclass(frozen=True)
class Raw:
    """JSON text that Python's own encoder would not write."""

    text: str


@dataclass(frozen=True)
class Mutation:
    """One field of one example body with one value in place of its own."""

    pointer: str
    value: Any
    body: str
    is_invalid: bool


NOT_A_NUMBER = [Raw("NaN"), Raw("Infinity"), Raw("-Infinity"), Raw("1e400"), Raw("-1e400")]
ENORMOUS = [2**31, 2**63, -(2**63) - 1, 10**400, Raw("9" * 5000), Raw("1e1000000")]
STRUCTURES: list[Any] = [[], {}, [[]], {"$ne": None}]

# What no field of the type may take. `None` is left out where the document says null is fine.
INVALID: dict[str, list[Any]] = {
    "integer": [
        -1,
        1.9,
        1.0,
        0.005,
        True,
        "5",
        " 5 ",
        "１２",
        "1_000",
        "0x10",
        "",
        *ENORMOUS,
        *NOT_A_NUMBER,
        *STRUCTURES,
        None,
    ],
    "text": [
        7,
        True,
        1.5,
        "\x00",
        "甲\x00乙",
        "\ud800",
        "甲\udfff",
        "\x1b[31m红",
        "a\rb",
        "a\x7fb",
        "a\x85b",
        "字" * 20_000,
        "\u0301\u0316" * 20_000,
        *NOT_A_NUMBER,
        *STRUCTURES,
        None,
    ],
    "choice": [
        "",
        " ",
        "APPROVE",
        "approve ",
        "0",
        0,
        True,
        "\x00",
        "\ud800",
        "字" * 20_000,
        *NOT_A_NUMBER,
        *STRUCTURES,
        None,
    ],
    "boolean": [
        0,
        1,
        "true",
        "false",
        "True",
        "yes",
        "1",
        "",
        1.0,
        *NOT_A_NUMBER,
        *STRUCTURES,
        None,
    ],
    "uuid": [
        "",
        "1",
        1,
        2**63,
        ABSENT_ID.upper(),
        "{" + ABSENT_ID + "}",
        ABSENT_ID + " ",
        f"urn:uuid:{ABSENT_ID}",
        ABSENT_ID.replace("-", ""),
        "０" + ABSENT_ID[1:],
        "../../etc",
        "\x00",
        "\ud800",
        True,
        *NOT_A_NUMBER,
        *STRUCTURES,
        None,
    ],
    "date": [
        "",
        "0001-01-01",
        "1899-12-31",
        "2101-01-01",
        "9999-12-31",
        "2026-02-30",
        "2025-02-29",
        "2026-13-01",
        "20261107",
        "2026-1-7",
        "２０２６-11-07",
        "2026-W45-6",
        "2026-11-07T00:00:00+08:00",
        "2026-11-07 ",
        20261107,
        True,
        "\x00",
        "\ud800",
        *NOT_A_NUMBER,
        *STRUCTURES,
        None,
    ],
    "date-time": [
        "",
        "2026-11-07",
        "2026-11-07T09:00:00",
        "2026-11-07 09:00:00+08:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-02-30T09:00:00+08:00",
        "2026-11-07T24:00:00+08:00",
        "2026-12-31T23:59:60Z",
        "2026-11-07T09:00:00+24:00",
        "2026-11-07T09:00:00+25:00",
        "２０２６-11-07T09:00:00+08:00",
        "2026-W45-6T09:00:00Z",
        "1899-12-31T23:59:59+08:00",
        "2101-01-01T00:00:00Z",
        "2026-11-07T09:00:00.1234567Z",
        1783386000,
        True,
        "\x00",
        "\ud800",
        *NOT_A_NUMBER,
        *STRUCTURES,
        None,
    ],
    "list": ["", "x", 0, True, {}, {"0": {}}, [None], [1], ["x"], [[]], None],
}

# What people do type, or what is only strange: never an error of ours, and the same everywhere.
STRANGE: dict[str, list[Any]] = {
    "integer": [0, Raw("-0"), 1, 2**31 - 1],
    "text": [
        "㛃䶮𠮷",
        "e\u0301",
        "\u202e反",
        "零\u200b宽",
        "＝1+1",
        "👩\u200d👩\u200d👧\u200d👦",
        "a\u0301" * 40,
        "' OR 1=1 --",
        "{{7*7}}",
        "../../etc/passwd",
        '{"a":1}',
        "%00",
        "=HYPERLINK(1)",
        "\ufffe",
    ],
    "uuid": [ABSENT_ID],
    "date": ["1900-01-01", "2100-12-31", "2024-02-29"],
    "date-time": [
        "1900-01-01T00:00:00+14:00",
        "2100-12-31T23:59:59-14:00",
        "2024-02-29T09:00:00.000001+08:00",
        "2026-11-07T09:00:00-23:59",
    ],
}

# The same for query parameters, which are always text.
INVALID_QUERY: dict[str, list[str]] = {
    "integer": [
        "",
        "-1",
        "+5",
        "1.9",
        "5 ",
        " 5",
        "１２",
        "1_000",
        "0x10",
        "1e3",
        "NaN",
        "true",
        "2147483648",
        "9223372036854775808",
        "9" * 400,
        "0" * 20 + "5",
        "\x00",
        "\ufffd",
        "null",
    ],
    "boolean": ["", "0", "1", "True", "TRUE", "yes", "null", "\x00", "true,false"],
    # Cursors: wrong shapes, and keys that only one database could compare.
    "string": [
        "",
        "x",
        "e30",
        "bnVsbA",
        "W10x",
        "IjEi",
        "W1tdXQ",
        "W3RydWVd",
        "WzEuNV0",
        "A" * 2000,
        "WyJcdWQ4MDAiXQ",
        "WyJcdTAwMDAiXQ",
        "WzEwMDAwMDAwMDAwMDAwMDAwMDAwXQ",
        "Wy0xXQ",
    ],
}

BAD_PATH_IDS = [
    "1", "0", "-1", str(2**63), "null", "me", "%00", "..%2f..", ABSENT_ID.upper(),
    "{" + ABSENT_ID + "}", "%7B" + ABSENT_ID + "%7D", ABSENT_ID.replace("-", ""),
    "０" + ABSENT_ID[1:], ABSENT_ID + "0", ABSENT_ID + "%20", "urn:uuid:" + ABSENT_ID, "%ff", "%F0",
]  # fmt: skip


def kind_of(schema: dict[str, Any]) -> str | None:
    """Which list of the corpus fits a field; None for one that holds an object."""
    types = _types(schema)
    if "enum" in schema:
        return "choice"
    if schema.get("format") in ("uuid", "date", "date-time"):
        return str(schema["format"])
    if "array" in types:
        return "list"
    return {"integer": "integer", "boolean": "boolean", "string": "text"}.get(types[0])


def mutate(
    document: Document, schema: dict[str, Any], example: Any, kind: str
) -> Iterator[Mutation]:
    """Every field of one kind, one after the other, with every value of the corpus."""
    for pointer, steps, field in _fields(document, schema, example):
        if kind_of(field) != kind:
            continue
        for value, is_invalid in [*_invalid(kind, field), *_strange(kind)]:
            body = _encode(_replaced(example, steps, value))
            yield Mutation(pointer, value, body, is_invalid)


def _invalid(kind: str, field: dict[str, Any]) -> Iterator[tuple[Any, bool]]:
    bounds = []
    if kind == "integer":
        bounds = [field["minimum"] - 1, field["maximum"] + 1]
    if kind == "text":
        bounds = ["字" * (field["maxLength"] + 1)] + ["", "  "] * (field.get("minLength", 0) > 0)
    for value in [*INVALID[kind], *bounds]:
        if not (value is None and "null" in _types(field)):
            yield value, True


def _strange(kind: str) -> Iterator[tuple[Any, bool]]:
    for value in STRANGE.get(kind, []):
        yield value, False


def _fields(
    document: Document, schema: dict[str, Any], example: Any, steps: tuple[Any, ...] = ()
) -> Iterator[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    schema = document.resolve(schema)
    for name, given in schema.get("properties", {}).items():
        field, here = document.resolve(given), (*steps, name)
        yield "/" + "/".join(map(str, here)), here, field
        if "properties" in field:
            yield from _fields(document, field, example[name], here)
        item = document.resolve(field.get("items", {}))
        if "properties" in item:
            yield from _fields(document, item, example[name][0], (*here, 0))


def _types(schema: dict[str, Any]) -> list[str]:
    given = schema.get("type", "object")
    return given if isinstance(given, list) else [given]


def _replaced(example: Any, steps: tuple[Any, ...], value: Any) -> Any:
    body = copy.deepcopy(example)
    part = body
    for step in steps[:-1]:
        part = part[step]
    part[steps[-1]] = value
    return body


def _encode(body: Any) -> str:
    # The raw text is written as a mark first, because the encoder refuses or changes it.
    raws: list[str] = []

    def mark(value: Any) -> Any:
        if isinstance(value, Raw):
            raws.append(value.text)
            return f"@raw{len(raws) - 1}@"
        if isinstance(value, dict):
            return {name: mark(part) for name, part in value.items()}
        return [mark(part) for part in value] if isinstance(value, list) else value

    text = json.dumps(mark(body))
    for number, raw in enumerate(raws):
        text = text.replace(f'"@raw{number}@"', raw)
    return text
