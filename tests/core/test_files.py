"""The two stores keep the same promises; the one that speaks S3 is a real server."""

import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.file_settings import FileSettingsError, S3Settings, read_file_settings
from core.files import FileMissing, FileStore, FolderFiles, StoreUnavailable, open_store
from core.s3_files import S3Files
from tests.object_store import client_of, object_store

BYTES = bytes(range(256)) * 400


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Settings]:
    with object_store() as settings:
        yield settings


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    if request.param == "folder":
        return open_store(tmp_path / "data", None)
    settings: S3Settings = request.getfixturevalue("s3")
    return open_store(tmp_path, replace(settings, prefix=f"{tmp_path.name}/"))


def test_file_is_read_back_replaced_listed_and_gone(store: FileStore) -> None:
    for name in ("photos/b2/一.jpg", "photos/a1/二.jpg"):
        store.put(name, b"older")
        store.put(name, BYTES)
    store.put("other/file", b"")

    assert store.get("photos/b2/一.jpg") == BYTES
    assert list(store.names("photos")) == ["photos/a1/二.jpg", "photos/b2/一.jpg"]
    store.delete("photos/b2/一.jpg")
    store.delete("photos/b2/一.jpg")
    with pytest.raises(FileMissing):
        store.get("photos/b2/一.jpg")
    assert list(store.names("photos")) == ["photos/a1/二.jpg"]
    assert list(store.names("nothing")) == []


def test_bucket_holds_the_very_bytes_privately(s3: S3Settings) -> None:
    S3Files(s3).put("photos/x.jpg", BYTES)

    outside = client_of(s3)
    kept = outside.get_object(Bucket=s3.bucket, Key="pilot/photos/x.jpg")
    assert kept["Body"].read() == BYTES
    assert kept["ContentDisposition"] == "attachment"
    grants = outside.get_object_acl(Bucket=s3.bucket, Key="pilot/photos/x.jpg")["Grants"]
    assert not any("AllUsers" in grant["Grantee"].get("URI", "") for grant in grants)


def test_store_that_is_away_or_refuses_is_unavailable_and_not_empty(s3: S3Settings) -> None:
    for settings in (replace(s3, bucket="absent"), replace(s3, endpoint="http://127.0.0.1:9")):
        with pytest.raises(StoreUnavailable):
            S3Files(settings).get("photos/x.jpg")


def test_files_in_the_folder_are_private_whole_and_of_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderFiles(tmp_path)
    store.put("photos/a/1.jpg", BYTES)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert set(modes.values()) == {0o700, 0o600}

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        store.put("photos/a/2.jpg", BYTES)
    assert list(store.names("photos")) == ["photos/a/1.jpg"]
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_reader_sees_a_whole_file_while_it_is_written_again(tmp_path: Path) -> None:
    store = FolderFiles(tmp_path)
    store.put("photos/1", BYTES)
    writers = [
        threading.Thread(target=lambda: [store.put("photos/1", BYTES) for _ in range(20)])
        for _ in range(3)
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert store.get("photos/1") == BYTES
    for writer in writers:
        writer.join()


def test_keys_of_a_store_do_not_travel_in_the_clear() -> None:
    given = {"ENDPOINT": "http://store.example", "BUCKET": "b", "KEY_ID": "k", "SECRET": "s"}
    environ = {f"PARTY_POINTS_FILES_S3_{name}": value for name, value in given.items()}

    with pytest.raises(FileSettingsError, match="https"):
        read_file_settings(environ)
    del environ["PARTY_POINTS_FILES_S3_SECRET"]
    with pytest.raises(FileSettingsError, match="SECRET"):
        read_file_settings(environ)
    assert read_file_settings({}) is None
