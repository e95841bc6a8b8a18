"""Is this deployment fit to keep people's points? Asked at every start, and by `flask doctor`."""

import os
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError

from core.config import ConfigError, Settings
from core.database_facts import PostgresFacts, SqliteFacts, read_facts
from core.db import POOL_OVERFLOW, SQLITE_WAL_SAFE_FROM

log = structlog.get_logger(__name__)

KEY_BYTES_MIN = 32
# A key of one repeated character is as long as a good one.
KEY_CHARACTERS_MIN = 8
DRIFT_MAX = timedelta(seconds=2)
# Whoever administers the database needs some himself.
CONNECTIONS_SPARED = 5
_FULL = 2
_TIMEOUTS_OFF = ("0", "0ms", "0s")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: whether it is right, and what to do if it is not.

    Args:
        stops: the program must not start with it.
    """

    code: str
    title: str
    is_ok: bool
    remedy: str
    stops: bool = True


def require_fit(
    settings: Settings, engine: Engine, *, is_debug: bool, clock: Callable[[], datetime]
) -> None:
    """Refuse to start on what could lose, show or forge anything; a statement at most, or pragmas.

    A database that is away is no reason: it may come back, and until then nothing is answered.

    Raises:
        ConfigError: what is wrong, and what to do about each.
    """
    checks = list(check_settings(settings, is_debug=is_debug))
    try:
        checks += check_database(settings, engine, clock=clock)
    except OperationalError as error:
        log.warning("selfcheck.no_database", error=type(error.orig).__name__)
    wrong = [check for check in checks if check.stops and not check.is_ok]
    if wrong:
        lines = [f"✗ {check.title}：{check.remedy}" for check in wrong]
        raise ConfigError("启动自检没有通过，程序不启动：\n" + "\n".join(lines))


def check_settings(settings: Settings, *, is_debug: bool) -> Iterator[Check]:
    """What can be seen without a database."""
    in_production = not settings.database_url.startswith("sqlite")
    secrets = [settings.jwt_secret.encode(), settings.flask_secret.encode()]
    keys = [*secrets, settings.vault.field_key, settings.vault.index_key]
    yield Check(
        "keys.strong",
        "密钥足够长，不是随手填的",
        all(len(key) >= KEY_BYTES_MIN and len(set(key)) >= KEY_CHARACTERS_MIN for key in keys),
        "用 openssl rand -base64 32 重新生成",
    )
    yield Check(
        "keys.separate",
        "四把密钥互不相同",
        len(set(keys)) == len(keys),
        "PARTY_POINTS_JWT_SECRET、_FLASK_SECRET、_FIELD_KEY、_INDEX_KEY 各用各的",
    )
    yield Check(
        "debug.off",
        "没有打开调试方式",
        not (in_production and is_debug),
        "去掉 FLASK_DEBUG 和 --debug：调试方式会把数据显示给访问者",
    )
    yield Check(
        "demo.off",
        "正式库没有用演示方式",
        not (in_production and settings.demo),
        "去掉 PARTY_POINTS_DEMO：演示账号的密码是公开的",
    )
    yield Check(
        "timezone.data",
        "有时区数据（Asia/Shanghai）",
        _has_timezone(),
        "安装依赖 tzdata，或系统的 tzdata 包",
    )
    yield Check(
        "hosts.named",
        "限定了可用的域名",
        not in_production or bool(settings.server.trusted_hosts),
        "设置 PARTY_POINTS_TRUSTED_HOSTS 为对外的域名，逗号分隔",
        stops=False,
    )


def check_database(
    settings: Settings, engine: Engine, *, clock: Callable[[], datetime]
) -> Iterator[Check]:
    """What the database says of itself.

    Args:
        clock: asked before and after the database is, so that a slow answer is not taken for drift.

    Raises:
        sqlalchemy.exc.OperationalError: it cannot be reached.
    """
    with engine.connect() as connection:
        asked = clock()
        facts = read_facts(connection)
        answered = clock()
    if isinstance(facts, SqliteFacts):
        yield from check_sqlite(facts)
        return
    yield Check(
        "clock.drift",
        "本机与数据库的时钟相差不到 2 秒",
        asked - DRIFT_MAX < facts.at < answered + DRIFT_MAX,
        "两台机器都启用 NTP 对时",
    )
    yield from check_postgresql(facts, needed=connections_needed(settings))


def connections_needed(settings: Settings) -> int:
    """How many connections the API's workers and one jobs process may open together."""
    workers = int(os.environ.get("PARTY_POINTS_WORKERS", str(2 * (os.cpu_count() or 1))))
    return (settings.db_pool_size + POOL_OVERFLOW) * (workers + 1)


def check_postgresql(facts: PostgresFacts, *, needed: int) -> Iterator[Check]:
    """Pure: is this PostgreSQL, as our role sees it, fit?"""
    yield Check(
        "pg.role",
        "程序的数据库角色不是超级用户，也不绕过行级策略",
        not (facts.is_superuser or facts.bypasses_policies),
        "按 docs/operations.md 建 party_points_app 角色，程序用它连接",
    )
    yield Check(
        "pg.owner",
        "程序的角色不拥有账本表，也不能改写",
        facts.owned == 0 and facts.writable == 0,
        "表归 party_points_owner；程序用 party_points_app，迁移另用"
        " PARTY_POINTS_MIGRATION_DATABASE_URL",
    )
    yield Check(
        "pg.triggers",
        "只追加表的触发器都在工作",
        facts.disabled == 0 and facts.total > 0,
        "以属主运行 ALTER TABLE … ENABLE TRIGGER ALL；表还没有建时先运行迁移",
        # Before the first migration there is none.
        stops=facts.disabled > 0,
    )
    yield Check(
        "pg.synchronous_commit",
        "提交等到写入磁盘（synchronous_commit）",
        facts.synchronous_commit not in ("off", "local"),
        "在 postgresql.conf 设 synchronous_commit = on",
    )
    yield Check(
        "pg.fsync",
        "fsync 与 full_page_writes 打开",
        facts.fsync == facts.full_page_writes == "on",
        "在 postgresql.conf 把两项都设为 on，否则断电会损坏数据库",
        stops=False,
    )
    yield Check(
        "pg.checksums",
        "数据页有校验和",
        facts.data_checksums == "on",
        "停库后运行 pg_checksums --enable",
        stops=False,
    )
    timeouts = (facts.statement_timeout, facts.lock_timeout, facts.idle_timeout)
    yield Check(
        "pg.timeouts",
        "语句、等锁和空闲事务都有时限",
        not any(timeout in _TIMEOUTS_OFF for timeout in timeouts),
        "不要在连接池里清掉程序设置的 options",
    )
    yield Check(
        "pg.connections",
        f"max_connections（{facts.max_connections}）够 {needed} 个连接用",
        needed <= facts.max_connections - CONNECTIONS_SPARED,
        "减少 PARTY_POINTS_WORKERS 或 PARTY_POINTS_DB_POOL_SIZE，或调高 max_connections",
    )
    yield Check(
        "pg.tls",
        "到数据库的连接在本机，或已加密",
        facts.is_local or facts.is_sealed,
        "在数据库地址后加 ?sslmode=verify-full",
        stops=False,
    )


def check_sqlite(facts: SqliteFacts) -> Iterator[Check]:
    """Pure: is this SQLite file, as our connections see it, fit?"""
    pragmas = facts.pragmas
    yield Check(
        "sqlite.pragmas",
        "外键、递归触发器和等锁时限已打开",
        pragmas["foreign_keys"] == pragmas["recursive_triggers"] == 1
        and pragmas["busy_timeout"] > 0,
        "不要另开连接绕过 core.db",
    )
    yield Check(
        "sqlite.durable",
        "提交等到写入磁盘（synchronous=FULL）",
        pragmas["synchronous"] >= _FULL,
        "不要改 synchronous：NORMAL 断电会丢已确认的记录",
    )
    yield Check(
        "sqlite.journal",
        "日志方式与 SQLite 版本相配",
        pragmas["journal_mode"] != "wal" or facts.version >= SQLITE_WAL_SAFE_FROM,
        "3.51.3 以前的 SQLite 用 WAL 可能损坏数据库：PRAGMA journal_mode=TRUNCATE",
    )
    yield Check(
        "sqlite.folder",
        "数据目录只有本账号能进",
        facts.folder_mode & 0o066 == 0,
        "chmod 700 数据目录",
        stops=False,
    )


def _has_timezone() -> bool:
    try:
        shanghai = zoneinfo.ZoneInfo("Asia/Shanghai")
    except zoneinfo.ZoneInfoNotFoundError:
        return False
    return shanghai.utcoffset(datetime(2026, 1, 1)) == timedelta(hours=8)  # noqa: DTZ001
