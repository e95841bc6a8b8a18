"""Optional photos of an activity: cleaned before they are kept, and kept by an id of ours.

Nothing of the file that came in is kept but the picture: no place, no camera, no time, nothing
appended. What it is decides the content, never the name or the declared type.
"""

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from PIL import Image, ImageOps

from core.errors import FieldProblem, NotFound, RuleViolation
from core.ids import new_id

BYTES_MAX = 5 * 1024 * 1024
PIXELS_MAX = 24_000_000
SIDE_MAX = 1600
FORMATS = ("JPEG", "PNG", "WEBP")

_QUALITY = 85
_FOLDER_MODE, _FILE_MODE = 0o700, 0o600


class PhotoTooHeavy(RuleViolation):
    """The file has more bytes than are taken."""

    code = "photo.bytes"
    title = "照片文件太大"


class PhotoTooLarge(RuleViolation):
    """The picture has more pixels than are decoded."""

    code = "photo.pixels"
    title = "照片尺寸太大"


class NotAPhoto(RuleViolation):
    """The content is no JPEG, PNG or WebP, whatever the file is called."""

    code = "photo.format"
    title = "这不是支持的照片格式"


class BrokenPhoto(RuleViolation):
    """The file begins as a photo and cannot be read to its end."""

    code = "photo.broken"
    title = "照片文件不完整"


class PhotoNotFound(NotFound):
    """No photo is kept under this id."""

    code = "photo.not_found"
    title = "没有找到这张照片"


@dataclass(frozen=True, slots=True)
class CleanPhoto:
    """A JPEG that we made ourselves, upright, with its size in pixels and its digest."""

    data: bytes
    width: int
    height: int
    sha256: str


def clean(data: bytes) -> CleanPhoto:
    """Make a new JPEG of at most 1600 pixels a side from a JPEG, PNG or WebP.

    Raises:
        PhotoTooHeavy: more than 5 MB.
        NotAPhoto: another format.
        PhotoTooLarge: more than 24 million pixels, by its header.
        BrokenPhoto: it cannot be decoded.
    """
    if len(data) > BYTES_MAX:
        raise _refused(PhotoTooHeavy, "照片不能超过 5 MB，请压缩后再传。")
    with _open(data) as image:
        # The header says how much memory decoding would take; nothing has been decoded yet.
        if image.width * image.height > PIXELS_MAX:
            raise _refused(PhotoTooLarge, "照片不能超过 2400 万像素，请缩小后再传。")
        picture = _decode(image)
    encoded = io.BytesIO()
    picture.save(encoded, "JPEG", quality=_QUALITY)
    content = encoded.getvalue()
    return CleanPhoto(content, *picture.size, hashlib.sha256(content).hexdigest())


def store(folder: Path, photo_id: UUID, data: bytes) -> None:
    """Keep a cleaned photo under its id, whole or not at all, also after a power cut."""
    path = _path(folder, photo_id)
    path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    aside = path.with_suffix(f".{new_id().hex}")
    try:
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
    finally:
        aside.unlink(missing_ok=True)


def read(folder: Path, photo_id: UUID) -> bytes:
    """The photo kept under an id.

    Raises:
        PhotoNotFound: there is none.
    """
    try:
        return _path(folder, photo_id).read_bytes()
    except FileNotFoundError as error:
        raise PhotoNotFound from error


def discard(folder: Path, photo_id: UUID) -> None:
    """Remove a photo from the folder; one that is not there is no error."""
    _path(folder, photo_id).unlink(missing_ok=True)


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _refused(PhotoTooLarge, "照片不能超过 2400 万像素，请缩小后再传。") from error
    # A decoder that is handed hostile bytes raises anything; each means the same to the sender.
    except Exception as error:
        raise _refused(NotAPhoto, "只支持 JPEG、PNG、WebP 照片。") from error


def _decode(image: Image.Image) -> Image.Image:
    try:
        picture = _in_eight_bits(ImageOps.exif_transpose(image))
        picture.thumbnail((SIDE_MAX, SIDE_MAX))
        picture = _on_white(picture)
    except Exception as error:
        raise _refused(BrokenPhoto, "照片读不完整，请重新选择或重新拍摄。") from error
    # A comment inside the old file would otherwise be written into the new one.
    picture.info.clear()
    return picture


def _in_eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # The plain conversion cuts 16 bits off at 255 and leaves a white sheet.
        return image.convert("I").point(lambda value: value / 256).convert("RGB")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode == "RGB":
        return picture
    sheet = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(sheet, picture).convert("RGB")


def _path(folder: Path, photo_id: UUID) -> Path:
    # The end of the id is random, so that the photos spread evenly over 256 folders.
    return folder / photo_id.hex[-2:] / f"{photo_id.hex}.jpg"


def _refused(error: type[RuleViolation], message: str) -> RuleViolation:
    code = error.code.rpartition(".")[2]
    return error(message, problems=(FieldProblem("/photo", code, message),))
