"""One event is one line, whatever a member typed or a library said."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from core import logs

HOSTILE = [
    "a\nb", "a\r\nb", "\x0b\x0c\x1c\x1d\x1e", "\x85", "\u2028\u2029", "\x00\x1b[2J", "\x7f\x9b",
    "\u202egnp.exe", "\u2066\u2069", '"}\n{"event":"forged"', "\\n", "\ud800", "党员😀",
]  # fmt: skip


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure()
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("text", HOSTILE)
def test_event_is_one_line_of_json(text: str, written: io.StringIO) -> None:
    # What pytest catches is sent to another process, and a lone surrogate cannot be.
    root = logging.getLogger()
    root.handlers[:] = [one for one in root.handlers if type(one) is logging.StreamHandler]
    structlog.get_logger("a").warning("typed", text=text, **{"key" + text: 1})
    logging.getLogger("library").warning("said %s", text)

    lines = written.getvalue().splitlines()
    assert len(lines) == 2
    typed, said = (json.loads(line) for line in lines)
    assert (typed["event"], typed["level"]) == ("typed", "warning")
    assert said["event"].startswith("said ")
    if text.isprintable():
        assert typed["text"] == text
    assert all(line.isprintable() for line in lines)


def test_exception_stays_on_its_line(written: io.StringIO) -> None:
    try:
        raise ValueError("a\nb")
    except ValueError:
        structlog.get_logger("a").error("failed", exc_info=True)

    (line,) = written.getvalue().splitlines()
    assert "ValueError" in json.loads(line)["exception"]
