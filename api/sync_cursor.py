"""How far one member's phone has come: a signed text that only he can hand back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer

from core.changes import Horizon, Position

_SALT, _LAYOUT = "sync-cursor", 1


class SyncReset(Exception):
    """What the phone holds cannot be brought up to date; it has to begin afresh."""


@dataclass(frozen=True, slots=True)
class SyncCursor:
    """A place in the walk of one phone: first everything there is, then what has changed.

    Args:
        history: of the database that the positions belong to.
        complete_at: the phone had everything that was committed before this instant.
        floor: everything up to here has been handed out, and nothing can come in below.
        after: where this walk goes on; behind the floor where younger transactions overtook.
        scopes: kind -> digest of the organisations and roles that it was sent under.
        to_load: kinds of which not everything there is has been sent yet.
        loaded_to: the last object sent of the first of them.
    """

    member_id: UUID
    history: str
    complete_at: datetime
    floor: Position
    after: Position
    scopes: Mapping[str, str]
    to_load: tuple[str, ...]
    loaded_to: UUID | None = None

    @classmethod
    def fresh(
        cls, member_id: UUID, horizon: Horizon, scopes: Mapping[str, str], *, now: datetime
    ) -> "SyncCursor":
        """The cursor of a phone that holds nothing.

        What is settled now can be read by every later page; the rest comes by the feed.
        """
        settled = horizon.settled
        return cls(member_id, horizon.history, now, settled, settled, scopes, tuple(scopes))

    def within(self, scopes: Mapping[str, str]) -> "tuple[SyncCursor, list[str]]":
        """The cursor under today's scopes, and the kinds that the phone must forget.

        Of a kind whose scope has changed nothing that was sent is known to be still right, so
        it is sent again from the start.
        """
        forget = [kind for kind in self.scopes.keys() | scopes if self._differs(kind, scopes)]
        if not forget:
            return self, []
        kept = [kind for kind in self.to_load if kind not in forget]
        again = [kind for kind in scopes if kind in forget]
        goes_on = kept[:1] == list(self.to_load[:1])
        cursor = replace(
            self,
            scopes=scopes,
            to_load=(*kept, *again),
            loaded_to=self.loaded_to if goes_on else None,
        )
        return cursor, sorted(forget)

    def _differs(self, kind: str, scopes: Mapping[str, str]) -> bool:
        return self.scopes.get(kind) != scopes.get(kind)


def encode(cursor: SyncCursor, secret: str) -> str:
    """The cursor as the phone keeps it."""
    packed = [
        _LAYOUT,
        cursor.member_id.hex,
        cursor.history,
        int(cursor.complete_at.timestamp()),
        cursor.floor,
        cursor.after,
        dict(cursor.scopes),
        cursor.to_load,
        cursor.loaded_to.hex if cursor.loaded_to else None,
    ]
    return str(URLSafeSerializer(secret, salt=_SALT).dumps(packed))


def decode(text: str, secret: str, member_id: UUID) -> SyncCursor:
    """The cursor that this member was given.

    Raises:
        SyncReset: it is none of ours, of an earlier layout, or another member's.
    """
    try:
        layout, owner, *packed = URLSafeSerializer(secret, salt=_SALT).loads(text)
    except (BadData, UnicodeError) as error:
        raise SyncReset("同步位置无法识别。") from error
    if layout != _LAYOUT or owner != member_id.hex:
        raise SyncReset("同步位置属于另一个账号或另一个版本。")
    return _unpacked(member_id, *packed)


def _unpacked(member_id: UUID, history: str, complete_at: int, *rest: Any) -> SyncCursor:
    floor, after, scopes, to_load, loaded_to = rest
    return SyncCursor(
        member_id,
        history,
        datetime.fromtimestamp(complete_at, UTC),
        Position(*floor),
        Position(*after),
        scopes,
        tuple(to_load),
        UUID(loaded_to) if loaded_to else None,
    )
