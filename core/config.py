"""Settings: read once from the environment at the edge, then passed on."""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm

from core.channel_settings import ChannelSettings, ChannelSettingsError, read_channel_settings
from core.client_settings import ClientSettings, ClientSettingsError, read_client_settings
from core.crypto import KEY_BYTES, Suite, Vault
from core.file_settings import FileSettingsError, S3Settings, read_file_settings
from core.openssl import OpensslMissing, require_openssl
from core.server_settings import ServerSettings, ServerSettingsError, read_server_settings

_PREFIX = "PARTY_POINTS_"
_WECHAT_URL = "https://api.weixin.qq.com"


class ConfigError(Exception):
    """A setting is missing or unsafe; the program must not start."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a deployment may set. Every field has one environment variable of the same name."""

    database_url: str
    migration_database_url: str
    data_dir: Path
    jwt_secret: str = field(repr=False)
    flask_secret: str = field(repr=False)
    vault: Vault = field(repr=False)
    jwt_issuer: str = "party-points"
    jwt_audience: str = "party-points-api"
    access_minutes: int = 30
    refresh_days: int = 180
    db_pool_size: int = 4
    demo: bool = False
    # Empty: /metrics is answered on this machine only.
    metrics_token: str = field(default="", repr=False)
    # Text messages with codes that the deployment pays for in a day; a breaker against bombing.
    sms_codes_a_day: int = 2000
    # Empty: nobody signs in with WeChat.
    wechat_appid: str = ""
    wechat_secret: str = field(default="", repr=False)
    wechat_url: str = _WECHAT_URL
    channels: ChannelSettings = field(default_factory=ChannelSettings)
    # None: files stay in the data directory.
    files_s3: S3Settings | None = None
    server: ServerSettings = field(default_factory=ServerSettings)
    clients: ClientSettings = field(default_factory=ClientSettings)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read PARTY_POINTS_* variables; SQLite and generated keys under data_dir by default.

        Raises:
            ConfigError: a value is malformed, a key is weak, or PostgreSQL is used without keys.
        """
        data_dir = Path(environ.get(_PREFIX + "DATA_DIR", "var"))
        url, owner_url = database_urls(environ)
        keys = _read_keys(environ, data_dir, embedded=url.startswith("sqlite"))
        settings = cls(
            database_url=url,
            migration_database_url=owner_url,
            data_dir=data_dir,
            jwt_secret=keys["JWT_SECRET"],
            flask_secret=keys["FLASK_SECRET"],
            vault=_read_vault(environ, keys),
            access_minutes=_positive(environ, "ACCESS_MINUTES", 30),
            refresh_days=_positive(environ, "REFRESH_DAYS", 180),
            db_pool_size=_positive(environ, "DB_POOL_SIZE", 4),
            demo=environ.get(_PREFIX + "DEMO") == "1",
            metrics_token=environ.get(_PREFIX + "METRICS_TOKEN", ""),
            sms_codes_a_day=_positive(environ, "SMS_CODES_A_DAY", 2000),
            wechat_appid=environ.get(_PREFIX + "WECHAT_APPID", ""),
            wechat_secret=environ.get(_PREFIX + "WECHAT_SECRET", ""),
            wechat_url=environ.get(_PREFIX + "WECHAT_URL", _WECHAT_URL),
            channels=_read_channels(environ),
            files_s3=_read_files(environ),
            server=_read_server(environ),
            clients=_read_clients(environ),
        )
        settings.require_safe()
        return settings

    def require_safe(self) -> None:
        """Raise ConfigError unless secrets are strong and separate, and a demo stays silent."""
        if len(self.jwt_secret.encode()) < 32:
            raise ConfigError("PARTY_POINTS_JWT_SECRET 至少 32 字节")
        if self.jwt_secret == self.flask_secret:
            raise ConfigError("PARTY_POINTS_JWT_SECRET 不能与 PARTY_POINTS_FLASK_SECRET 相同")
        if self.demo and self.channels.providers:
            raise ConfigError("演示方式不能打开站外渠道（PARTY_POINTS_CHANNELS）")
        if bool(self.wechat_appid) != bool(self.wechat_secret):
            raise ConfigError("PARTY_POINTS_WECHAT_APPID 与 PARTY_POINTS_WECHAT_SECRET 须同时设置")
        if self.metrics_token and len(self.metrics_token) < 16:
            raise ConfigError("PARTY_POINTS_METRICS_TOKEN 至少 16 个字符")


def database_urls(environ: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """The URL of the application's role and that of the owner who migrates; often the same."""
    embedded = f"sqlite:///{Path(environ.get(_PREFIX + 'DATA_DIR', 'var')).absolute()}/points.db"
    url = environ.get(_PREFIX + "DATABASE_URL", embedded)
    owner_url = environ.get(_PREFIX + "MIGRATION_DATABASE_URL", url)
    return normalize_url(url), normalize_url(owner_url)


def normalize_url(url: str) -> str:
    """Name the psycopg 3 driver, whatever spelling of PostgreSQL the operator used."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _read_channels(environ: Mapping[str, str]) -> ChannelSettings:
    try:
        return read_channel_settings(environ)
    except ChannelSettingsError as error:
        raise ConfigError(str(error)) from error


def _read_files(environ: Mapping[str, str]) -> S3Settings | None:
    try:
        return read_file_settings(environ)
    except FileSettingsError as error:
        raise ConfigError(str(error)) from error


def _read_server(environ: Mapping[str, str]) -> ServerSettings:
    try:
        return read_server_settings(environ)
    except ServerSettingsError as error:
        raise ConfigError(str(error)) from error


def _read_clients(environ: Mapping[str, str]) -> ClientSettings:
    try:
        return read_client_settings(environ)
    except ClientSettingsError as error:
        raise ConfigError(str(error)) from error


def _read_keys(environ: Mapping[str, str], data_dir: Path, *, embedded: bool) -> dict[str, str]:
    names = ("JWT_SECRET", "FLASK_SECRET", "FIELD_KEY", "INDEX_KEY")
    given = {name: environ[_PREFIX + name] for name in names if _PREFIX + name in environ}
    missing = [_PREFIX + name for name in names if name not in given]
    if not missing:
        return given
    # A shared key file is right for one embedded node only; a PostgreSQL deployment has several
    # processes on several hosts, so silently inventing keys there would split them.
    if not embedded:
        raise ConfigError("生产环境必须设置：" + "、".join(missing))
    return _load_or_create_keys(data_dir / "keys.json") | given


def _load_or_create_keys(path: Path) -> dict[str, str]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    generated = {
        "JWT_SECRET": secrets.token_urlsafe(48),
        "FLASK_SECRET": secrets.token_urlsafe(48),
        "FIELD_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "INDEX_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    # The API and the jobs process start together: write aside, then link, so that exactly one
    # of them creates the file and the other reads a whole one.
    aside = path.with_suffix(f".{os.getpid()}")
    aside.touch(mode=0o600)
    aside.write_text(json.dumps(generated))
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()
    stored: dict[str, str] = json.loads(path.read_text())
    return stored


def _read_vault(environ: Mapping[str, str], keys: Mapping[str, str]) -> Vault:
    former = environ.get(_PREFIX + "FORMER_FIELD_KEYS", "").split()
    name = environ.get(_PREFIX + "CRYPTO_SUITE", Suite.INTL)
    if name not in list(Suite):
        raise ConfigError(f"{_PREFIX}CRYPTO_SUITE 应为 intl 或 gm")
    vault = Vault(
        _decode_key(keys, "FIELD_KEY"),
        _decode_key(keys, "INDEX_KEY"),
        Suite(name),
        tuple(_decode_key({"FORMER_FIELD_KEYS": key}, "FORMER_FIELD_KEYS") for key in former),
        keeps_id_numbers=environ.get(_PREFIX + "ID_NUMBERS") == "1",
    )
    if vault.suite is Suite.GM:
        _require_gm(vault)
    return vault


def _require_gm(vault: Vault) -> None:
    try:
        require_openssl()
        vault.encrypt(b"", context="")
    except OpensslMissing as error:
        raise ConfigError(str(error)) from error
    except UnsupportedAlgorithm as error:
        raise ConfigError("国密套件（gm）需要支持 SM4 和 SM3 的 cryptography") from error


def _decode_key(keys: Mapping[str, str], name: str) -> bytes:
    try:
        key = base64.b64decode(keys[name], validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError(f"{_PREFIX}{name} 须为 32 字节的 base64")
    return key


def _positive(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(_PREFIX + name, str(default))
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10_000):
        raise ConfigError(f"{_PREFIX}{name} 须为正整数")
    return int(text)
