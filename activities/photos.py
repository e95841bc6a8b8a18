"""Optional photos of an activity: cleaned before they are kept, and kept by an id of ours.

Nothing of the file that came in is kept but the picture: no place, no camera, no time, nothing
appended. What it is decides the content, never the name or the declared type.
"""

import hashlib
import io
from dataclasses import dataclass
from uuid import UUID

from PIL import Image, ImageOps

from core.errors import FieldProblem, NotFound, RuleViolation

BYTES_MAX = 5 * 1024 * 1024
PIXELS_MAX = 24_000_000
SIDE_MAX = 1600
THUMBNAIL_SIDE = 240
FORMATS = ("JPEG", "PNG", "WEBP")

FOLDER = "photos"

_QUALITY = 85


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
    return CleanPhoto(content, *picture.size, digest(content))


def thumbnail(data: bytes) -> bytes:
    """A JPEG of at most 240 pixels a side from one that `clean` has made."""
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        # The decoder itself can leave out most of the pixels, which takes a fifth of the time.
        image.draft("RGB", (THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        encoded = io.BytesIO()
        image.save(encoded, "JPEG", quality=_QUALITY)
    return encoded.getvalue()


def digest(data: bytes) -> str:
    """What tells one picture from another."""
    return hashlib.sha256(data).hexdigest()


def name_of(photo_id: UUID) -> str:
    """The name under which a photo is kept: an id of ours, nothing that came with the file."""
    # The end of the id is random, so that the photos spread evenly over 256 folders.
    return f"{FOLDER}/{photo_id.hex[-2:]}/{photo_id.hex}.jpg"


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


def _refused(error: type[RuleViolation], message: str) -> RuleViolation:
    code = error.code.rpartition(".")[2]
    return error(message, problems=(FieldProblem("/photo", code, message),))
