"""Bodies that are wrong as a whole, whatever their fields are."""

import io
import json
from collections.abc import Iterator
from typing import Any

from tests.served import ABSENT_ID

JSON = "application/json"


def raw(body: bytes, content_type: str = JSON) -> dict[str, Any]:
    return {"data": body, "content_type": content_type}


def body_shapes(example: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Bodies that are wrong as a whole, whatever the fields are."""
    good = json.dumps(example)
    name = next(iter(example))
    yield "empty", raw(b"")
    yield "blank", raw(b"  \n")
    yield "null", raw(b"null")
    yield "array", raw(b"[]")
    yield "array of it", raw(f"[{good}]".encode())
    yield "text", raw(b'"x"')
    yield "number", raw(b"7")
    yield "truth", raw(b"true")
    yield "NaN", raw(b"NaN")
    yield "5000 digits", raw(b"9" * 5000)
    yield "two documents", raw((good + good).encode())
    yield "cut off", raw(good[:-1].encode())
    yield "comment", raw(("/**/" + good).encode())
    yield "trailing comma", raw((good[:-1] + ",}").encode())
    yield "single quotes", raw(good.replace('"', "'").encode())
    yield "duplicate name", raw(f'{good[:-1]}, "{name}": {json.dumps(example[name])}}}'.encode())
    yield (
        "duplicate by escape",
        raw(
            f'{good[:-1]}, "\\u{ord(name[0]):04x}{name[1:]}": '
            f"{json.dumps(example[name])}}}".encode()
        ),
    )
    yield "surrogate name", raw((good[:-1] + ', "\\ud800": 1}').encode())
    yield "surrogate bytes", raw(good[:-1].encode() + b', "\xed\xa0\x80": 1}')
    yield "NUL name", raw((good[:-1] + ', "\\u0000": 1}').encode())
    yield "long name", raw((good[:-1] + f', "{"n" * 5000}": 1}}').encode())
    yield "unknown field", raw(json.dumps(example | {"strange": 1}).encode())
    yield "prototype", raw(json.dumps(example | {"__proto__": {"a": 1}}).encode())
    yield "bad UTF-8", raw(good.encode() + b"\xff")
    yield "BOM", raw(b"\xef\xbb\xbf" + good.encode())
    yield "UTF-16", raw(good.encode("utf-16"))
    yield "UTF-16 declared", raw(good.encode("utf-16"), f"{JSON}; charset=utf-16")
    yield "UTF-32", raw(good.encode("utf-32-le"))
    yield "GBK", raw(json.dumps({name: "汉字"}, ensure_ascii=False).encode("gbk"))
    yield "deep arrays", raw(b"[" * 100_000)
    yield "deep objects", raw(b'{"a":' * 100_000)
    yield "deep and closed", raw(b"[" * 33 + b"]" * 33)
    yield "many items", raw(b"[" + b"1," * 250_000 + b"1]")
    yield "unclosed text", raw(b'"' + b'\\"' * 250_000)


def form_shapes(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Multipart forms that are wrong as a whole or in one part."""
    names = schema["properties"]
    good = dict.fromkeys(names, ABSENT_ID)

    def file(name: str = "file") -> dict[str, Any]:
        # The client closes what it has sent, so every form has its own.
        return {name: (io.BytesIO(b"not a workbook"), "roster.xlsx")}

    form = "multipart/form-data"
    yield "nothing", raw(b"", f"{form}; boundary=x")
    yield "no boundary", raw(b"--x--", form)
    yield "cut off", raw(b'--x\r\nContent-Disposition: form-data; name="a', f"{form}; boundary=x")
    nameless = b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n" * 2
    named = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'
    yield "parts without a name", raw(nameless + named, f"{form}; boundary=x")
    yield "not a form", raw(b"\x00\xff" * 50, f"{form}; boundary=x")
    yield "JSON", {"json": good}
    yield "url-encoded", {"data": good, "content_type": "application/x-www-form-urlencoded"}
    yield "text for a file", {"data": good, "content_type": form}
    yield "unknown field", {"data": good | file() | {"strange": "1"}, "content_type": form}
    yield "unknown file", {"data": good | file("strange"), "content_type": form}
    yield (
        "twice",
        {"data": good | file() | {name: [ABSENT_ID] * 2 for name in names if name != "file"}},
    )
    yield "many parts", {"data": good | {f"n{i}": "1" for i in range(100)}, "content_type": form}
    for bad in ("", ABSENT_ID.upper(), "\x00", "1"):
        yield (
            f"id {bad!r}",
            {"data": good | file() | {"organization_id": bad}, "content_type": form},
        )
