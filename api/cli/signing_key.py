"""The key that signs checkpoints: read only by the command that signs, never by the API."""

import base64
import binascii
import os
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from core.config import Settings

VARIABLE = "PARTY_POINTS_CHECKPOINT_KEY"
_FILE = "checkpoint.key"


def load_signing_key(settings: Settings) -> Ed25519PrivateKey:
    """The key of the setting; an embedded database gets one of its own in the data directory."""
    text = os.environ.get(VARIABLE)
    if text is not None:
        return _decode(text)
    if not settings.database_url.startswith("sqlite"):
        # It belongs where the database's administrators do not reach, so none is made up here.
        raise click.ClickException(f"请设置 {VARIABLE}（32 字节的 base64）。")
    return _load_or_create(settings.data_dir / _FILE)


def load_public_key(file: Path) -> Ed25519PublicKey:
    """A public key that a witness kept, in PEM."""
    try:
        key = load_pem_public_key(file.read_bytes())
    except ValueError as error:
        raise click.ClickException("公钥文件不是 PEM 格式。") from error
    if not isinstance(key, Ed25519PublicKey):
        raise click.ClickException("公钥不是 Ed25519 的。")
    return key


def _load_or_create(path: Path) -> Ed25519PrivateKey:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _decode(path.read_text())
    key = Ed25519PrivateKey.generate()
    with os.fdopen(descriptor, "w") as file:
        file.write(base64.b64encode(key.private_bytes_raw()).decode())
    return key


def _decode(text: str) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error) as error:
        raise click.ClickException(f"{VARIABLE} 须为 32 字节的 base64。") from error
