"""A backup is a copy that was brought back: made, restored, checked, and caught when it is not."""

import json
import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from activities import activity_photos, photos
from activities.photos import CleanPhoto
from core import backups
from core.config import Settings
from core.db import make_engine, session_info, unit_of_work
from core.ids import new_id
from points import review, sealing
from points.review import Action, Decision
from tests.activities.lives import Life
from tests.engines import ENVIRONMENT
from tests.postgres import client_programs
from tests.world import NOW, build_world

PICTURE = b"what clean would have made"


@pytest.fixture
def kept(
    app_with: Callable[[Settings], Flask],
    fresh_settings: Settings,
    fresh_owner_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Flask:
    """An app over a ledger with one sealed entry, and one photo in its store."""
    monkeypatch.setenv("PATH", f"{client_programs()}{os.pathsep}{os.environ['PATH']}")
    settings = replace(fresh_settings, migration_database_url=fresh_owner_url)
    app = app_with(settings)
    photo_id = new_id()
    app.extensions["files"].put(photos.name_of(photo_id), PICTURE)
    engine = make_engine(settings)
    with Session(engine, info=session_info(settings.vault)) as session, unit_of_work(session):
        life = Life(build_world(session))
        claim = life.world.add_claim("党员甲", "一支部")
        decisions = [Decision(claim, 1, Action.APPROVE)]
        review.review(session, life.world.actor("书记一"), decisions, now=NOW)
        photo = CleanPhoto(PICTURE, 1, 1, photos.digest(PICTURE))
        activity_photos.add(
            session, life.world.actor("书记一"), life.meeting().id,
            photo=photo, photo_id=photo_id, now=NOW,
        )  # fmt: skip
    with Session(engine, info=session_info(settings.vault)) as session, unit_of_work(session):
        assert sealing.seal(session, now=NOW) == 1
    engine.dispose()
    return app


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["backup", *arguments])


def made(app: Flask, out: Path) -> Path:
    done = run(app, "create", "--out", str(out))
    assert done.exit_code == 0, done.output
    (folder,) = out.iterdir()
    return folder


def test_backup_comes_back_with_ledger_and_photos_and_without_keys(
    kept: Flask, empty_database_url: str, tmp_path: Path
) -> None:
    folder = made(kept, tmp_path / "out")
    again = ["drill", str(folder), "--scratch", empty_database_url]

    for _ in range(2):
        # The second finds the scratch database as empty as the first.
        done = run(kept, *again)
        assert (done.exit_code, "PASSED" in done.output) == (0, True), done.output

    manifest = backups.read_manifest(folder)
    assert (manifest.files, manifest.contents.rows["ledger_entry"]) == (1, 1)
    written = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    for name in ("JWT_SECRET", "FLASK_SECRET", "FIELD_KEY", "INDEX_KEY"):
        assert ENVIRONMENT[f"PARTY_POINTS_{name}"].encode() not in written
    assert folder.stat().st_mode & 0o077 == 0

    (picture,) = (folder / "files" / "photos").rglob("*.jpg")
    picture.write_bytes(b"another picture")
    altered = run(kept, *again)
    assert (altered.exit_code, "FAILED" in altered.output) == (1, True)
    assert "照片" in altered.output


def test_damaged_or_short_backup_fails_the_drill(
    kept: Flask, empty_database_url: str, tmp_path: Path
) -> None:
    folder = made(kept, tmp_path / "out")
    again = ["drill", str(folder), "--scratch", empty_database_url]
    manifest = folder / "manifest.json"
    told = json.loads(manifest.read_text())

    told["contents"]["rows"]["claim"] += 1
    manifest.write_text(json.dumps(told))
    short = run(kept, *again)
    assert short.exit_code == 1
    assert "claim" in short.output

    (dump,) = folder.glob("database.*")
    with dump.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x00\x01")
    damaged = run(kept, *again)
    assert (damaged.exit_code, "摘要" in damaged.output) == (1, True)
    manifest.unlink()
    assert "不是一份完整的备份" in run(kept, *again).output


def test_drill_leaves_alone_what_is_not_empty(
    kept: Flask, engine_kind: str, fresh_owner_url: str, tmp_path: Path
) -> None:
    if engine_kind == "sqlite":
        folder = made(kept, tmp_path / "out")
        with pytest.raises(backups.BackupFailed, match="已经存在"):
            backups.restore_database(folder, backups.read_manifest(folder), fresh_owner_url)
        return
    folder = made(kept, tmp_path / "out")

    refused = run(kept, "drill", str(folder), "--scratch", fresh_owner_url)

    assert (refused.exit_code, "正在使用" in refused.output) == (1, True)
    assert "--scratch" in run(kept, "drill", str(folder)).output
    assert made(kept, tmp_path / "again").is_dir()


def test_ledger_that_was_changed_inside_the_copy_fails_the_drill(
    kept: Flask, engine_kind: str, tmp_path: Path
) -> None:
    if engine_kind != "sqlite":
        # The dump of PostgreSQL is not a file that can be edited in place.
        return
    folder = made(kept, tmp_path / "out")
    dump = folder / "database.sqlite"
    with sqlite3.connect(dump) as copy:
        copy.execute("DROP TRIGGER ledger_entry_no_update")
        copy.execute("UPDATE ledger_entry SET asked = asked + 100, points = points + 100")
    copy.close()
    manifest = folder / "manifest.json"
    told = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(told | {"sha256": backups._digest(dump)}))

    caught = run(kept, "drill", str(folder))

    assert (caught.exit_code, "FAILED" in caught.output) == (1, True)


def test_missing_client_program_is_said(
    kept: Flask, engine_kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    done = run(kept, "create", "--out", str(tmp_path / "out"))

    if engine_kind == "sqlite":
        assert done.exit_code == 0
    else:
        assert (done.exit_code, "pg_dump" in done.output) == (1, True)
        assert list((tmp_path / "out").iterdir()) == []
