"""Logs: one event is one line of JSON, whatever stands in it."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

# JSON escapes what ASCII knows as control characters. These end a line as well, to some programs
# that read logs, or turn the direction of writing around on a screen.
_ESCAPED = {
    code: f"\\u{code:04x}"
    for code in (*range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}


def configure(*, least: int = logging.INFO) -> None:
    """Log JSON to standard error, what libraries say included. For a process, not for tests.

    Args:
        least: the level of `logging` below which the product's own events are left out.
    """
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(least),
        processors=[*_shared(), _render],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def formatter() -> logging.Formatter:
    """What gives the lines of libraries (gunicorn, urllib3) the same form."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _render],
    )


def _shared() -> list[structlog.types.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
    ]


_to_json = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)


def _render(logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
    # A lone surrogate cannot be written; a log that fails would take the request with it.
    line = str(_to_json(logger, method, event))
    return line.translate(_ESCAPED).encode("utf-8", "backslashreplace").decode()
