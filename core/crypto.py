"""Field encryption and blind indexes for personal data, in the suite of the deployment.

`intl` is AES-256-GCM with HMAC-SHA-256, `gm` is SM4-GCM with HMAC-SM3. A sealed value begins with
the mark of its suite and the id of its key, so what was sealed before a change of either stays
readable, and is bound to its table, column and row. A bare hash of a phone number can be guessed
in minutes, so the index is an HMAC with a key of its own.
"""

import enum
import hashlib
import hmac
import os
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_NONCE_BYTES, _TAG_BYTES, _ID_BYTES = 12, 16, 8
# Sealed by the first releases: AES-256-GCM, without the id of a key.
_UNNAMED = b"\x01"


class Suite(enum.StrEnum):
    """Which ciphers a deployment seals and digests with; both are always read."""

    INTL = "intl"
    GM = "gm"


_MARKS = {Suite.INTL: b"\x11", Suite.GM: b"\x12"}
_SUITES = {mark: suite for suite, mark in _MARKS.items()} | {_UNNAMED: Suite.INTL}


@dataclass(frozen=True, slots=True, repr=False)
class SealingKey:
    """A key that seals values in a suite, and opens those of either; never logged (no repr)."""

    secret: bytes
    suite: Suite = Suite.INTL

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")

    @classmethod
    def generate(cls, suite: Suite) -> "SealingKey":
        """A new random key."""
        return cls(os.urandom(KEY_BYTES), suite)

    @property
    def id(self) -> bytes:
        """What its sealed values name it by."""
        return hashlib.sha256(b"key id:" + self.secret).digest()[:_ID_BYTES]

    @property
    def head(self) -> bytes:
        """How everything begins that it seals."""
        return _MARKS[self.suite] + self.id

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Encrypt and bind to `context` ("table.column:row id"), so that rows cannot be swapped."""
        nonce = os.urandom(_NONCE_BYTES)
        if self.suite is Suite.INTL:
            return self.head + nonce + AESGCM(self.secret).encrypt(nonce, plain, context.encode())
        encryptor = Cipher(algorithms.SM4(_sm4_key(self.secret)), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(context.encode())
        body = encryptor.update(plain) + encryptor.finalize()
        return self.head + nonce + body + encryptor.tag

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Undo `seal`, whichever suite it was done in.

        Raises:
            cryptography.exceptions.InvalidTag: another key, another row, or altered bytes.
        """
        suite, start = _SUITES[sealed[:1]], len(_head_of(sealed))
        nonce, body = sealed[start : start + _NONCE_BYTES], sealed[start + _NONCE_BYTES :]
        if suite is Suite.INTL:
            return AESGCM(self.secret).decrypt(nonce, body, context.encode())
        mode = modes.GCM(nonce, body[-_TAG_BYTES:])
        decryptor = Cipher(algorithms.SM4(_sm4_key(self.secret)), mode).decryptor()
        decryptor.authenticate_additional_data(context.encode())
        return decryptor.update(body[:-_TAG_BYTES]) + decryptor.finalize()

    def sealed(self, value: bytes) -> bool:
        """Whether the value names this key and this suite."""
        return _head_of(value) == self.head


@dataclass(frozen=True, slots=True, repr=False)
class Vault:
    """The keys of the deployment, 32 bytes each, and what it seals with them; no repr.

    Attributes:
        former_keys: field keys of earlier times, newest first; they only open.
        keeps_id_numbers: whether the deployment stores ID numbers at all.
    """

    field_key: bytes
    index_key: bytes
    suite: Suite = Suite.INTL
    former_keys: tuple[bytes, ...] = ()
    keeps_id_numbers: bool = False

    def __post_init__(self) -> None:
        keys = (self.field_key, self.index_key, *self.former_keys)
        if any(len(key) != KEY_BYTES for key in keys):
            raise ValueError("field_key and index_key are 32 bytes each")
        if self.index_key in (self.field_key, *self.former_keys):
            raise ValueError("field_key and index_key must differ")

    @property
    def master(self) -> SealingKey:
        """The key that seals what belongs to no member, and the members' own keys."""
        return SealingKey(self.field_key, self.suite)

    def encrypt(self, plain: bytes, *, context: str) -> bytes:
        """Seal with the master key; see `SealingKey.seal`."""
        return self.master.seal(plain, context=context)

    def decrypt(self, sealed: bytes, *, context: str) -> bytes:
        """Undo `encrypt`, also what an earlier master key did.

        Raises:
            cryptography.exceptions.InvalidTag: another row, or altered bytes.
            UnknownKey: none of our keys has sealed it.
        """
        key = self._key_of(sealed)
        if key is None:
            raise UnknownKey("unknown crypto suite or key")
        return key.open(sealed, context=context)

    def has_sealed(self, sealed: bytes) -> bool:
        """Whether a master key, of today or of earlier times, has sealed the value."""
        return self._key_of(sealed) is not None

    def blind_index(self, value: str, *, purpose: str) -> str:
        """A keyed digest of a normalised value: equal values match, the value stays hidden."""
        message = f"{purpose}:{value}".encode()
        if self.suite is Suite.INTL:
            return hmac.new(self.index_key, message, hashlib.sha256).hexdigest()
        digest = HMAC(self.index_key, hashes.SM3())
        digest.update(message)
        return digest.finalize().hex()

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose; it tells nothing of the index key or of other purposes."""
        info = f"derive:{purpose}".encode()
        return _expand(self.index_key, info, self.suite, KEY_BYTES)

    def _key_of(self, sealed: bytes) -> SealingKey | None:
        keys = [SealingKey(secret, self.suite) for secret in (self.field_key, *self.former_keys)]
        head = _head_of(sealed)
        if head == _UNNAMED:
            # Such values are older than any change of keys.
            return keys[-1]
        return next((key for key in keys if key.id == head[1:]), None)


class UnknownKey(ValueError):
    """A sealed value names a key that the deployment does not have."""


def _head_of(sealed: bytes) -> bytes:
    """The mark of the suite, and the id of the key where there is one."""
    mark = sealed[:1]
    if mark not in _SUITES:
        raise UnknownKey("unknown crypto suite or key")
    return mark if mark == _UNNAMED else sealed[: 1 + _ID_BYTES]


@cache
def _sm4_key(secret: bytes) -> bytes:
    # SM4 has keys of 16 bytes.
    return _expand(secret, b"sm4", Suite.GM, 16)


def _expand(secret: bytes, info: bytes, suite: Suite, length: int) -> bytes:
    algorithm = hashes.SHA256() if suite is Suite.INTL else hashes.SM3()
    return HKDF(algorithm=algorithm, length=length, salt=None, info=info).derive(secret)
