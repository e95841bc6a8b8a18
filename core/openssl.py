"""SM2 with SM3 through the openssl program, because `cryptography` does not have that curve.

A key reaches the program through a pipe of its own: never as an argument, never as a file.
"""

import base64
import os
import shutil
import subprocess
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

_PROGRAM = "openssl"
_SCALAR_BYTES = 32
_SECONDS_MAX = 10
# The default identity of GM/T 0009, which both sides must use.
_SIGNING = ("-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")
_CURVE = bytes.fromhex("06082a811ccf5501822d")


class OpensslMissing(Exception):
    """The machine has no openssl program of version 3 or later."""


class OpensslRefused(ValueError):
    """The program did not take the key or the data."""


def require_openssl() -> None:
    """Raise OpensslMissing unless an openssl program with SM2 is there."""
    if shutil.which(_PROGRAM) is None:
        raise OpensslMissing("国密套件（gm）需要 OpenSSL 3 的 openssl 命令，本机没有找到")
    said = _call(["version"])
    name, _, rest = said.stdout.decode(errors="replace").partition(" ")
    major = rest.partition(".")[0]
    if name != "OpenSSL" or not major.isdigit() or int(major) < 3:
        raise OpensslMissing("国密套件（gm）需要 OpenSSL 3 或更新的 openssl 命令")


def public_key_of(scalar: bytes) -> bytes:
    """The public key of a private SM2 scalar of 32 bytes, in PEM."""
    return _run(["pkey", "-pubout"], "-in", _private_pem(scalar), b"")


def raw_public_key(pem: bytes) -> bytes:
    """The point of an SM2 public key in PEM, uncompressed."""
    der = _run(["pkey", "-pubin", "-outform", "DER"], "-in", pem, b"")
    if _CURVE not in der:
        raise OpensslRefused("not a key on the curve of SM2")
    return der[-65:]


def sign(scalar: bytes, message: bytes) -> bytes:
    """r and s, 32 bytes each."""
    key = _private_pem(scalar)
    signature = _run(["pkeyutl", "-sign", *_SIGNING], "-inkey", key, message)
    return b"".join(
        number.to_bytes(_SCALAR_BYTES, "big") for number in decode_dss_signature(signature)
    )


def is_signed(public_pem: bytes, signature: bytes, message: bytes) -> bool:
    """Whether r and s are this key's signature of the message."""
    if len(signature) != 2 * _SCALAR_BYTES:
        return False
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    with _Pipe(encode_dss_signature(r, s)) as second:
        arguments = ["pkeyutl", "-verify", "-pubin", *_SIGNING, "-sigfile", second.path]
        with _Pipe(public_pem) as first:
            done = _call([*arguments, "-inkey", first.path], message, (first.end, second.end))
    return done.returncode == 0


class _Pipe:
    """Bytes that a program reads from a descriptor; they fit into the pipe's own memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __enter__(self) -> "_Pipe":
        self.end, write_end = os.pipe()
        os.write(write_end, self._content)
        os.close(write_end)
        self.path = f"/dev/fd/{self.end}"
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self.end)


def _run(arguments: Sequence[str], key_option: str, key: bytes, data: bytes) -> bytes:
    with _Pipe(key) as pipe:
        done = _call([*arguments, key_option, pipe.path], data, (pipe.end,))
    if done.returncode != 0:
        raise OpensslRefused("openssl refused the key or the data")
    return done.stdout


def _call(
    arguments: Sequence[str], data: bytes = b"", pass_fds: Sequence[int] = ()
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [_PROGRAM, *arguments],
        input=data,
        capture_output=True,
        pass_fds=pass_fds,
        timeout=_SECONDS_MAX,
        check=False,
    )


def _private_pem(scalar: bytes) -> bytes:
    """SEC 1 without the public point, which the program computes."""
    parameters = b"\xa0" + bytes([len(_CURVE)]) + _CURVE
    body = bytes.fromhex("020101") + b"\x04\x20" + scalar + parameters
    text = base64.b64encode(b"\x30" + bytes([len(body)]) + body)
    return b"-----BEGIN EC PRIVATE KEY-----\n" + text + b"\n-----END EC PRIVATE KEY-----\n"
