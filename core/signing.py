"""Keys that sign for witnesses: Ed25519 in the suite `intl`, SM2 with SM3 in `gm`."""

import hashlib
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from core import openssl
from core.crypto import KEY_BYTES, Suite


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key; which signatures it takes is its own nature, never a message's word."""

    suite: Suite
    pem: bytes
    id: str

    @classmethod
    def from_pem(cls, pem: bytes) -> "VerifyingKey":
        """Read a public key of either suite.

        Raises:
            ValueError: it is no PEM, or a key of another kind.
        """
        try:
            key = load_pem_public_key(pem)
        except UnsupportedAlgorithm:
            return cls(Suite.GM, pem, _name(openssl.raw_public_key(pem)))
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("neither Ed25519 nor SM2")
        return cls(Suite.INTL, pem, _name(key.public_bytes_raw()))

    def is_signed(self, signature: bytes, message: bytes) -> bool:
        """Whether this key made the signature of the message."""
        if self.suite is Suite.GM:
            return openssl.is_signed(self.pem, signature, message)
        key = load_pem_public_key(self.pem)
        assert isinstance(key, Ed25519PublicKey)  # noqa: S101 - from_pem has looked
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key of 32 bytes; never logged (no repr)."""

    suite: Suite
    secret: bytes

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")

    @classmethod
    def generate(cls, suite: Suite) -> "SigningKey":
        """A new key; a random scalar is practically never beyond the order of SM2's curve."""
        return cls(suite, os.urandom(KEY_BYTES))

    def public_key(self) -> VerifyingKey:
        """What witnesses check its signatures with."""
        if self.suite is Suite.GM:
            return VerifyingKey.from_pem(openssl.public_key_of(self.secret))
        key = Ed25519PrivateKey.from_private_bytes(self.secret).public_key()
        return VerifyingKey.from_pem(
            key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )

    def sign(self, message: bytes) -> bytes:
        """64 bytes in either suite."""
        if self.suite is Suite.GM:
            return openssl.sign(self.secret, message)
        return Ed25519PrivateKey.from_private_bytes(self.secret).sign(message)


def _name(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()[:16]
