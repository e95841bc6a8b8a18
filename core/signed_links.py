"""Parts of addresses that open one thing for a few minutes without a token.

A link says which thing, for whom it was made and until when, under a key of its purpose. It is made
only for somebody whose right to see the thing has just been checked.
"""

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.crypto import Vault
from core.errors import NotFound

_CONTENT = struct.Struct(">16s16sI")
_SEAL_BYTES = 16


class LinkInvalid(NotFound):
    """Forged, altered or too old; which of them is nobody's business."""

    code = "file.link"
    title = "链接无效或已过期，请刷新页面重新打开"


@dataclass(frozen=True, slots=True)
class SignedLink:
    """What a link says."""

    object_id: UUID
    member_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Links:
    """Links of one purpose, which open nothing of another."""

    purpose: str
    lifetime: timedelta

    def make(self, vault: Vault, object_id: UUID, member_id: UUID, *, now: datetime) -> str:
        """The part of an address that opens one thing for a while."""
        expires = int((now + self.lifetime).timestamp())
        content = _CONTENT.pack(object_id.bytes, member_id.bytes, expires)
        sealed = content + self._seal(vault, content)
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def read(self, vault: Vault, token: str, *, now: datetime) -> SignedLink:
        """What a link says, if it is ours and not too old.

        Raises:
            LinkInvalid: it is not.
        """
        sealed = _decode(token)
        content, seal = sealed[: _CONTENT.size], sealed[_CONTENT.size :]
        if not hmac.compare_digest(seal, self._seal(vault, content)):
            raise LinkInvalid
        object_id, member_id, expires = _CONTENT.unpack(content)
        link = SignedLink(
            UUID(bytes=object_id), UUID(bytes=member_id), datetime.fromtimestamp(expires, UTC)
        )
        if now >= link.expires_at:
            raise LinkInvalid
        return link

    def _seal(self, vault: Vault, content: bytes) -> bytes:
        return hmac.digest(vault.derive(self.purpose), content, "sha256")[:_SEAL_BYTES]


def _decode(token: str) -> bytes:
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise LinkInvalid from error
    # One link has one spelling: unused bits of the last character would make others.
    if base64.urlsafe_b64encode(sealed).decode().rstrip("=") != token:
        raise LinkInvalid
    if len(sealed) != _CONTENT.size + _SEAL_BYTES:
        raise LinkInvalid
    return sealed
