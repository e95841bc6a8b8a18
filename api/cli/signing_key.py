"""The key that signs checkpoints: read only by the command that signs, never by the API."""

import base64
import binascii
import os
from pathlib import Path

import click

from core.config import Settings
from core.crypto import Suite
from core.signing import SigningKey, VerifyingKey

VARIABLE = "PARTY_POINTS_CHECKPOINT_KEY"
_FILES = {Suite.INTL: "checkpoint.key", Suite.GM: "checkpoint-gm.key"}


def load_signing_key(settings: Settings) -> SigningKey:
    """The key of the setting; an embedded database gets one of its own in the data directory."""
    suite = settings.vault.suite
    text = os.environ.get(VARIABLE)
    if text is not None:
        return _decode(suite, text)
    if not settings.database_url.startswith("sqlite"):
        # It belongs where the database's administrators do not reach, so none is made up here.
        raise click.ClickException(f"请设置 {VARIABLE}（32 字节的 base64）。")
    return _load_or_create(suite, settings.data_dir / _FILES[suite])


def load_public_key(file: Path) -> VerifyingKey:
    """A public key that a witness kept, in PEM."""
    try:
        return VerifyingKey.from_pem(file.read_bytes())
    except ValueError as error:
        raise click.ClickException("公钥文件不是 Ed25519 或 SM2 的 PEM。") from error


def _load_or_create(suite: Suite, path: Path) -> SigningKey:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _decode(suite, path.read_text())
    key = SigningKey.generate(suite)
    with os.fdopen(descriptor, "w") as file:
        file.write(base64.b64encode(key.secret).decode())
    return key


def _decode(suite: Suite, text: str) -> SigningKey:
    try:
        return SigningKey(suite, base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error) as error:
        raise click.ClickException(f"{VARIABLE} 须为 32 字节的 base64。") from error
