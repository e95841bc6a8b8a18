"""The kinds of messages: what each needs, and the sentences it becomes."""

from collections.abc import Mapping
from typing import Any

from notifications.kinds import care, contact, feedback, life, people, points, reminders
from notifications.message_kind import MessageKind

TITLE_MAX = 80
BODY_MAX = 1000


KINDS: Mapping[str, MessageKind] = {
    kind.code: kind
    for part in (points, life, contact, care, reminders, people, feedback)
    for kind in part.KINDS
}

# Texts of earlier versions, for what was written before a release and is sent after it.
EARLIER: dict[tuple[str, int], MessageKind] = {}


def require_params(kind: str, params: Mapping[str, Any]) -> None:
    """Refuse, at the moment of writing, a message that could not be rendered later.

    Raises:
        ValueError: unknown kind, or missing or surplus parameters. It is a bug, not a refusal.
    """
    known = KINDS.get(kind)
    if known is None or known.params != params.keys():
        raise ValueError(f"message kind {kind!r} does not take {sorted(params)}")


def find_kind(kind: str, version: int) -> MessageKind | None:
    """The kind as it was in a version; None when only a newer release knows it."""
    latest = KINDS.get(kind)
    if latest is not None and latest.version == version:
        return latest
    return EARLIER.get((kind, version))


def known_versions() -> list[tuple[str, int]]:
    """Every kind and version that this release can render."""
    return [(kind.code, kind.version) for kind in KINDS.values()] + list(EARLIER)


def render(kind: str, params: Mapping[str, Any], version: int = 1) -> tuple[str, str]:
    """The title and body of a message, as its template was when it was written."""
    known = find_kind(kind, version)
    if known is None:
        raise LookupError(f"no template {version} of message kind {kind!r}")
    return known.title[:TITLE_MAX], known.body.format(**params)[:BODY_MAX]
