"""`flask backup`: making a copy, and proving that it can be brought back."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import flask
import sqlalchemy as sa
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from activities import photos
from activities.record_models import ActivityPhoto
from api.cli import migrating
from core import backups
from core.backups import BackupFailed, Manifest
from core.clock import utc_now
from core.config import Settings, normalize_url
from core.files import FileMissing, FolderFiles
from core.schema_revision import newest_revision
from points import verification

backup = AppGroup("backup", help="备份与恢复演练")
# Reads everything: row policies that hide rows from it would leave them out of the copy.
_SOURCE = "PARTY_POINTS_BACKUP_DATABASE_URL"
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@backup.command("create")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path))
def create(out: Path) -> None:
    """备份数据库和照片到 OUT 下的新目录（不含密钥，密钥请另行保管）。"""
    settings = _settings()
    url = normalize_url(os.environ.get(_SOURCE, settings.migration_database_url))
    with _failures_shown():
        folder = backups.create(url, flask.current_app.extensions["files"], out, now=utc_now())
        manifest = backups.read_manifest(folder)
    rows = sum(manifest.contents.rows.values())
    click.echo(f"已备份到 {folder}：{rows} 行，{manifest.files} 个文件。")


@backup.command("drill")
@click.argument("folder", type=_FOLDER)
@click.option("--scratch", help="PostgreSQL：一个空数据库的地址，演练后清空；SQLite 不用给")
def drill(folder: Path, scratch: str | None) -> None:
    """把备份恢复到临时数据库，升级、核对账本和照片；结论是 PASSED 或 FAILED。"""
    with _failures_shown():
        manifest = backups.read_manifest(folder)
        with _scratch(manifest, scratch) as url:
            backups.restore_database(folder, manifest, url)
            faults = list(_faults(folder, manifest, url))
    for fault in faults:
        click.echo(f"✗ {fault}")
    if faults:
        raise click.ClickException(f"恢复演练 FAILED：{len(faults)} 处不符。")
    rows = sum(manifest.contents.rows.values())
    click.echo(f"恢复演练 PASSED：{rows} 行、{manifest.files} 个文件与备份时一致，账本核对无误。")


def _faults(folder: Path, manifest: Manifest, url: str) -> Iterator[str]:
    with backups.opened(url) as connection:
        restored = backups.read_contents(connection)
    for name, number in manifest.contents.rows.items():
        if restored.rows.get(name) != number:
            yield f"表 {name} 备份时有 {number} 行，恢复后有 {restored.rows.get(name)} 行"
    if restored.checkpoint != manifest.contents.checkpoint:
        yield "恢复后的最新存证与备份时不同"
    if restored.revision != newest_revision():
        migrating.upgrade(url)
    with backups.opened(url) as connection, Session(connection) as session:
        report = verification.verify(session)
        for finding in report.findings:
            yield f"{finding.subject}：{finding.message}"
        kept = FolderFiles(folder / backups.FILES)
        for photo in session.scalars(sa.select(ActivityPhoto).order_by(ActivityPhoto.id)):
            if not _is_kept(kept, photo):
                yield f"照片 {photo.id} 没有在备份里，或内容不符"


def _is_kept(kept: FolderFiles, photo: ActivityPhoto) -> bool:
    try:
        return photos.digest(kept.get(photos.name_of(photo.id))) == photo.sha256
    except FileMissing:
        return False


@contextmanager
def _scratch(manifest: Manifest, given: str | None) -> Iterator[str]:
    """An empty database for the drill; what was in it is gone afterwards."""
    if manifest.engine == "sqlite":
        with tempfile.TemporaryDirectory() as directory:
            yield f"sqlite:///{directory}/drill.db"
        return
    if given is None:
        raise BackupFailed("请用 --scratch 给出一个空数据库的地址")
    url = normalize_url(given)
    settings = _settings()
    if sa.make_url(url).database == sa.make_url(settings.database_url).database:
        raise BackupFailed("--scratch 不能是正在使用的数据库")
    with backups.opened(url) as connection:
        if sa.inspect(connection).get_table_names():
            raise BackupFailed("--scratch 的数据库不是空的")
    try:
        yield url
    finally:
        with backups.opened(url) as connection:
            connection.execute(sa.text("DROP SCHEMA public CASCADE"))
            connection.execute(sa.text("CREATE SCHEMA public"))
            connection.commit()


@contextmanager
def _failures_shown() -> Iterator[None]:
    try:
        yield
    except BackupFailed as error:
        raise click.ClickException(f"FAILED：{error}。") from error


def _settings() -> Settings:
    settings: Settings = flask.current_app.extensions["settings"]
    return settings
