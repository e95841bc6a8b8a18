"""Where files are kept: a folder of this machine, or a store that speaks S3."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PREFIX = "PARTY_POINTS_FILES_S3_"
_NEEDED = ("ENDPOINT", "KEY_ID", "SECRET")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class FileSettingsError(Exception):
    """A setting of the store is missing or unsafe."""


@dataclass(frozen=True, slots=True)
class S3Settings:
    """A bucket and who may write to it; the bucket itself must be private."""

    endpoint: str
    bucket: str
    key_id: str
    secret: str = field(repr=False)
    region: str = "us-east-1"
    prefix: str = ""


def read_file_settings(environ: Mapping[str, str]) -> S3Settings | None:
    """Read PARTY_POINTS_FILES_S3_*; None without a bucket: files stay in the data directory.

    Raises:
        FileSettingsError: something is missing, or keys would travel in the clear.
    """
    bucket = environ.get(PREFIX + "BUCKET")
    if not bucket:
        return None
    missing = [PREFIX + name for name in _NEEDED if not environ.get(PREFIX + name)]
    if missing:
        raise FileSettingsError("对象存储必须设置：" + "、".join(missing))
    address = urlsplit(environ[PREFIX + "ENDPOINT"])
    if address.scheme != "https" and address.hostname not in _LOOPBACK:
        raise FileSettingsError(f"{PREFIX}ENDPOINT 须以 https:// 开头")
    return S3Settings(
        endpoint=environ[PREFIX + "ENDPOINT"],
        bucket=bucket,
        key_id=environ[PREFIX + "KEY_ID"],
        secret=environ[PREFIX + "SECRET"],
        region=environ.get(PREFIX + "REGION", "us-east-1"),
        prefix=environ.get(PREFIX + "PREFIX", ""),
    )
