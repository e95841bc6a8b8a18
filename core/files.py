"""Keeping files under names of ours: in a folder, or elsewhere behind the same four verbs."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from core.file_settings import S3Settings
from core.ids import new_id

_FOLDER_MODE, _FILE_MODE = 0o700, 0o600
# A file that is still being written; a crash may leave one behind.
_ASIDE = ".part"


class FileMissing(Exception):
    """Nothing is kept under this name."""


class StoreUnavailable(Exception):
    """The store cannot be reached, or refuses us; nobody knows whether a file was kept."""


class FileStore(Protocol):
    """Whole files by name. Whoever calls holds no transaction: the store may be far away."""

    def put(self, name: str, data: bytes) -> None:
        """Keep a file, whole or not at all; one of this name is replaced."""

    def get(self, name: str) -> bytes:
        """The file of this name.

        Raises:
            FileMissing: there is none.
        """

    def delete(self, name: str) -> None:
        """Remove a file; one that is not there is no error."""

    def names(self, prefix: str) -> Iterator[str]:
        """The names of all files that begin so, sorted."""


class FolderFiles:
    """Files below a folder that only this account may enter."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, data: bytes) -> None:
        """Keep a file, also after a power cut."""
        path = self._folder / name
        self._make_folders(path.parent)
        aside = path.with_name(f"{new_id().hex}{_ASIDE}")
        try:
            opened = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
            with open(opened, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            aside.rename(path)
        finally:
            aside.unlink(missing_ok=True)

    def get(self, name: str) -> bytes:
        """The file of this name."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError as error:
            raise FileMissing(name) from error

    def delete(self, name: str) -> None:
        """Remove a file."""
        (self._folder / name).unlink(missing_ok=True)

    def names(self, prefix: str) -> Iterator[str]:
        """The names of all files that begin so, sorted."""
        files = sorted((self._folder / prefix).rglob("*"))
        for path in files:
            if path.is_file() and path.suffix != _ASIDE:
                yield path.relative_to(self._folder).as_posix()

    def _make_folders(self, folder: Path) -> None:
        # `parents=True` would leave those between open to everybody.
        if folder != self._folder:
            self._make_folders(folder.parent)
        folder.mkdir(mode=_FOLDER_MODE, parents=folder == self._folder, exist_ok=True)


def open_store(data_dir: Path, s3: S3Settings | None) -> FileStore:
    """The store of this deployment."""
    if s3 is None:
        return FolderFiles(data_dir)
    from core.s3_files import S3Files

    return S3Files(s3)
