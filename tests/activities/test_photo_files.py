"""The folder of photos: by an id of ours, whole or not at all."""

import stat
import threading
import uuid
from pathlib import Path

import pytest

from activities.photos import PhotoNotFound, read, store
from core.ids import new_id


def test_stored_photo_is_read_back(tmp_path: Path) -> None:
    photo_id, data = new_id(), bytes(range(256)) * 100

    store(tmp_path / "photos", photo_id, data)

    assert read(tmp_path / "photos", photo_id) == data


def test_stored_photo_lies_in_the_folder_and_is_private(tmp_path: Path) -> None:
    store(tmp_path / "photos", new_id(), b"picture")

    [file] = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert file.is_relative_to(tmp_path / "photos")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_photo_that_was_never_stored_is_not_found(tmp_path: Path) -> None:
    store(tmp_path, new_id(), b"picture")

    with pytest.raises(PhotoNotFound):
        read(tmp_path, new_id())


def test_no_id_leaves_the_folder(tmp_path: Path) -> None:
    for one in (uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), new_id()):
        store(tmp_path / "photos", one, one.bytes)
        assert read(tmp_path / "photos", one) == one.bytes

    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    photo_id = new_id()

    with pytest.raises(OSError, match="No space"):
        store(tmp_path, photo_id, b"picture")

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    with pytest.raises(PhotoNotFound):
        read(tmp_path, photo_id)


def test_reader_sees_a_whole_photo_or_none_while_it_is_written(tmp_path: Path) -> None:
    photo_id, data = new_id(), bytes(range(256)) * 4096
    store(tmp_path, photo_id, data)
    writers = [
        threading.Thread(target=lambda: [store(tmp_path, photo_id, data) for _ in range(20)])
        for _ in range(3)
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert read(tmp_path, photo_id) == data
    for writer in writers:
        writer.join()

    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
