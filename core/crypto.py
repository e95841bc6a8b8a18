"""Field encryption and blind indexes for personal data.

Phones are stored encrypted (AES-256-GCM, bound to their table, column and row) beside a keyed
digest that allows equality search. A bare hash of a phone number can be guessed in minutes, so
the index is an HMAC with a key of its own.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12
_SUITE_INTL = b"\x01"


@dataclass(frozen=True, slots=True, repr=False)
class Vault:
    """The two keys of the deployment; 32 bytes each, never logged (no repr)."""

    field_key: bytes
    index_key: bytes

    def __post_init__(self) -> None:
        if len(self.field_key) != 32 or len(self.index_key) != 32:
            raise ValueError("field_key and index_key are 32 bytes each")
        if self.field_key == self.index_key:
            raise ValueError("field_key and index_key must differ")

    def encrypt(self, plain: bytes, *, context: str) -> bytes:
        """Encrypt and bind to `context` ("table.column:row id"), so that rows cannot be swapped."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self.field_key).encrypt(nonce, plain, context.encode())
        return _SUITE_INTL + nonce + sealed

    def decrypt(self, sealed: bytes, *, context: str) -> bytes:
        """Undo `encrypt`.

        Raises:
            cryptography.exceptions.InvalidTag: another key, another row, or altered bytes.
        """
        if sealed[:1] != _SUITE_INTL:
            raise ValueError("unknown crypto suite")
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        return AESGCM(self.field_key).decrypt(nonce, body, context.encode())

    def blind_index(self, value: str, *, purpose: str) -> str:
        """A keyed digest of a normalised value: equal values match, the value stays hidden."""
        message = f"{purpose}:{value}".encode()
        return hmac.new(self.index_key, message, hashlib.sha256).hexdigest()

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose; it tells nothing of the index key or of other purposes."""
        info = f"derive:{purpose}".encode()
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self.index_key)
