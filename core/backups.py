"""Whole copies of a deployment: its database, as of one moment, and its files. Never its keys.

A copy without keys shows nobody's phone to whoever steals it, so the keys are kept elsewhere.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection

from core.files import FileMissing, FileStore, FolderFiles

FILES = "files"
KEPT = ("photos",)
_MANIFEST = "manifest.json"
_DUMPS = {"sqlite": "database.sqlite", "postgresql": "database.dump"}
_CHECKPOINT = sa.text("SELECT content FROM ledger_checkpoint ORDER BY size DESC, id DESC LIMIT 1")
_REVISION = sa.text("SELECT max(version_num) FROM alembic_version")


class BackupFailed(Exception):
    """A copy could not be made or brought back; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database holds at one moment, in numbers that a copy must show again."""

    revision: str
    rows: dict[str, int]
    checkpoint: str | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    engine: str
    at: str
    sha256: str
    files: int
    contents: Contents


def create(url: str, store: FileStore, out: Path, *, now: datetime) -> Path:
    """Write a backup into a new folder below `out`, whole or not at all; returns the folder.

    Raises:
        BackupFailed: the database cannot be copied.
    """
    address = sa.make_url(url)
    engine = address.get_backend_name()
    folder = out / f"backup-{now:%Y%m%dT%H%M%SZ}"
    aside = folder.with_suffix(".part")
    aside.mkdir(mode=0o700, parents=True)
    try:
        copies = FolderFiles(aside / FILES)
        # A file that is removed meanwhile is there from the first pass, one that is added from
        # the second: whatever rows the database then has, their files are here.
        _copy_files(store, copies)
        dump = aside / _DUMPS[engine]
        contents = _COPIES[engine](address, dump)
        _copy_files(store, copies)
        count = sum(1 for kept in KEPT for _ in copies.names(kept))
        manifest = Manifest(engine, f"{now:%Y-%m-%dT%H:%M:%SZ}", _digest(dump), count, contents)
        text = json.dumps(asdict(manifest), ensure_ascii=False, indent=1)
        (aside / _MANIFEST).write_text(text, encoding="utf-8")
        aside.rename(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return folder


def read_manifest(folder: Path) -> Manifest:
    """What a backup says of itself, once its dump was found unaltered.

    Raises:
        BackupFailed: this is no backup, or the dump is not what was written.
    """
    try:
        read = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        manifest = Manifest(**read | {"contents": Contents(**read["contents"])})
        is_whole = _digest(folder / _DUMPS[manifest.engine]) == manifest.sha256
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupFailed(f"{folder} 不是一份完整的备份") from error
    if not is_whole:
        raise BackupFailed("数据库文件与备份时的摘要不一致，备份已损坏")
    return manifest


def restore_database(folder: Path, manifest: Manifest, url: str) -> None:
    """Bring a backup's database back into an empty one.

    Raises:
        BackupFailed: it is not empty, or of another engine, or the dump cannot be read.
    """
    address = sa.make_url(url)
    if address.get_backend_name() != manifest.engine:
        raise BackupFailed(f"备份来自 {manifest.engine}，目标却是 {address.get_backend_name()}")
    dump = folder / _DUMPS[manifest.engine]
    if manifest.engine == "sqlite":
        target = Path(address.database or "")
        if target.exists():
            raise BackupFailed(f"{target} 已经存在")
        shutil.copyfile(dump, target)
        return
    with opened(url) as connection:
        if sa.inspect(connection).get_table_names():
            raise BackupFailed("目标数据库不是空的")
    # Owners and grants are those of the roles of the other server.
    _run("pg_restore", address, "--no-owner", "--no-privileges", "--exit-on-error", f"{dump}")


def read_contents(connection: Connection) -> Contents:
    """What a database holds, in the view of this connection's transaction."""
    quote = connection.dialect.identifier_preparer.quote
    tables = sorted(sa.inspect(connection).get_table_names())
    counts = " UNION ALL ".join(
        f"SELECT '{name}' AS name, count(*) AS number FROM {quote(name)}"  # noqa: S608 - our names
        for name in tables
    )
    rows = {row.name: row.number for row in connection.execute(sa.text(counts))}
    revision = connection.scalar(_REVISION) or ""
    return Contents(revision, rows, connection.scalar(_CHECKPOINT))


@contextmanager
def opened(url: str) -> Iterator[Connection]:
    """A connection of its own, outside of the product's pool."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _copy_sqlite(address: URL, dump: Path) -> Contents:
    """By SQLite's own online copy: a plain copy of a live file may hold half a transaction."""
    source = Path(address.database or "")
    if not source.is_file():
        raise BackupFailed(f"没有数据库文件 {source}")
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(dump)) as copy:
        live.backup(copy)
        if copy.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise BackupFailed("数据库没有通过 integrity_check")
    dump.chmod(0o600)
    with opened(f"sqlite:///{dump}") as connection:
        return read_contents(connection)


def _copy_postgresql(address: URL, dump: Path) -> Contents:
    """By pg_dump, in the very view in which the rows are counted."""
    with opened(address.render_as_string(hide_password=False)) as connection:
        reading = connection.execution_options(isolation_level="REPEATABLE READ")
        snapshot = reading.scalar(sa.text("SELECT pg_export_snapshot()"))
        contents = read_contents(reading)
        _run("pg_dump", address, "-Fc", f"--snapshot={snapshot}", f"--file={dump}")
    dump.chmod(0o600)
    return contents


_COPIES = {"sqlite": _copy_sqlite, "postgresql": _copy_postgresql}


def _run(program: str, address: URL, *arguments: str) -> None:
    """Run one of PostgreSQL's programs; the password is not among what `ps` shows."""
    found = shutil.which(program)
    if found is None:
        raise BackupFailed(f"没有找到 {program}，请安装 PostgreSQL 客户端程序（版本不低于服务器）")
    given: dict[str, Any] = {
        "PGHOST": address.query.get("host", address.host),
        "PGPORT": address.query.get("port", address.port),
        "PGUSER": address.username,
        "PGPASSWORD": address.password,
        "PGDATABASE": address.database,
        "PGSSLMODE": address.query.get("sslmode"),
    }
    told = {name: str(value) for name, value in given.items() if value is not None}
    if program == "pg_restore":
        arguments = (f"--dbname={address.database}", *arguments)
    done = subprocess.run(
        [found, "--no-password", *arguments],
        env=os.environ | told,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BackupFailed(f"{program} 失败：{done.stderr.strip()[-500:]}")


def _copy_files(store: FileStore, copies: FolderFiles) -> None:
    for kept in KEPT:
        there = set(copies.names(kept))
        for name in store.names(kept):
            if name in there:
                continue
            try:
                copies.put(name, store.get(name))
            except FileMissing:
                # It was removed just now, and the rows say so too.
                continue


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
