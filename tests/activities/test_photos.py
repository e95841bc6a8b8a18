"""Photos: real files in, a clean JPEG or a refusal out, and a folder of them."""

import contextlib
import hashlib
import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from activities.photos import (
    BYTES_MAX,
    BrokenPhoto,
    NotAPhoto,
    PhotoTooHeavy,
    PhotoTooLarge,
    clean,
)
from core.errors import RuleViolation

ORIENTATION, GPS, MAKER = 0x0112, 0x8825, 0x010F
RED, BLUE = (200, 20, 20), (20, 20, 200)


def two_halves(size: tuple[int, int] = (400, 300), mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, RED)
    ImageDraw.Draw(image).rectangle((size[0] // 2, 0, *size), fill=BLUE)
    return image.convert(mode)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def reopened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=["JPEG"])
    image.load()
    return image


def is_near(pixel: object, colour: tuple[int, int, int]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(one - other) < 40 for one, other in zip(pixel, colour, strict=True))


def exif_of_a_phone(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[MAKER] = "SecretCamera"
    gps = exif.get_ifd(GPS)
    gps.update({1: "N", 2: (31.0, 13.0, 49.0), 3: "E", 4: (121.0, 28.0, 25.0)})
    return exif


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header says so; its content would begin to be decoded and never end."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    checked = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + checked + struct.pack(">I", 10**6) + b"IDAT" + bytes(100)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_photo_becomes_a_jpeg(kind: str) -> None:
    photo = clean(saved(two_halves(), kind))

    image = reopened(photo.data)
    assert image.size == (photo.width, photo.height) == (400, 300)
    assert photo.sha256 == hashlib.sha256(photo.data).hexdigest()
    assert is_near(image.getpixel((10, 150)), RED)
    assert is_near(image.getpixel((390, 150)), BLUE)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_place_and_camera_are_gone(kind: str) -> None:
    data = saved(two_halves(), kind, exif=exif_of_a_phone())
    assert Image.open(io.BytesIO(data)).getexif().get_ifd(GPS)

    photo = clean(data)

    image = reopened(photo.data)
    assert dict(image.getexif()) == {}
    assert b"Exif" not in photo.data
    assert b"SecretCamera" not in photo.data


def test_comments_profiles_and_xmp_are_gone() -> None:
    data = saved(
        two_halves(), "JPEG", comment=b"31.2304,121.4737", icc_profile=b"SecretProfile" * 20,
        xmp=b"<x:xmpmeta>SecretPlace</x:xmpmeta>", dpi=(301, 301),
    )  # fmt: skip
    assert b"31.2304" in data

    photo = clean(data)

    assert reopened(photo.data).info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    for secret in (b"31.2304", b"SecretProfile", b"SecretPlace"):
        assert secret not in photo.data


@pytest.mark.parametrize(
    ("orientation", "size", "red_at"),
    [
        (1, (400, 300), (10, 150)), (2, (400, 300), (390, 150)), (3, (400, 300), (390, 150)),
        (4, (400, 300), (10, 150)), (5, (300, 400), (150, 10)), (6, (300, 400), (150, 10)),
        (7, (300, 400), (150, 390)), (8, (300, 400), (150, 390)),
    ],
)  # fmt: skip
def test_picture_stands_upright(
    orientation: int, size: tuple[int, int], red_at: tuple[int, int]
) -> None:
    photo = clean(saved(two_halves(), "JPEG", exif=exif_of_a_phone(orientation)))

    assert (photo.width, photo.height) == size
    assert is_near(reopened(photo.data).getpixel(red_at), RED)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1600, 1600), (1600, 1600)), ((3200, 1600), (1600, 800)), ((1000, 4000), (400, 1600)),
        ((1, 4000), (1, 1600)), ((20, 10), (20, 10)), ((6000, 4000), (1600, 1067)),
    ],
)  # fmt: skip
def test_longest_side_is_at_most_1600(size: tuple[int, int], expected: tuple[int, int]) -> None:
    photo = clean(saved(two_halves(size), "JPEG"))

    assert (photo.width, photo.height) == expected


@pytest.mark.parametrize("size", [(6001, 4000), (50_000, 50_000), (1, 24_000_001), (2**31 - 1, 9)])
def test_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(PhotoTooLarge):
        clean(png_of_size(*size))


def test_real_bomb_is_refused_before_decoding() -> None:
    bomb = saved(Image.new("1", (20_000, 20_000)), "PNG")
    assert len(bomb) < 100_000

    with pytest.raises(PhotoTooLarge):
        clean(bomb)


def test_heavy_file_is_refused_unread() -> None:
    with pytest.raises(PhotoTooHeavy):
        clean(b"\x00" * (BYTES_MAX + 1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_file_of_exactly_5_mb_is_taken(kind: str) -> None:
    data = saved(two_halves(), kind)

    assert clean(data + b"\x00" * (BYTES_MAX - len(data))).width == 400


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        "这是一份会议记录，改名为 photo.jpg".encode(),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7\n",
        b"<script>alert(1)</script>",
        b"\x00\x00\x00\x18ftypheic",
        b"RIFF\x00\x00\x00\x00WAVE",
        saved(two_halves(), "GIF"),
        saved(two_halves(), "BMP"),
        saved(two_halves(), "TIFF"),
        saved(two_halves(), "ICO"),
    ],
)
def test_other_content_is_no_photo_whatever_its_name(data: bytes) -> None:
    with pytest.raises(NotAPhoto):
        clean(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("part", [0.02, 0.3, 0.9])
def test_truncated_file_is_refused(kind: str, part: float) -> None:
    noise = Image.effect_noise((300, 300), 90).convert("RGB")
    data = saved(noise, kind)

    with pytest.raises((BrokenPhoto, NotAPhoto)):
        clean(data[: int(len(data) * part)])


def test_archive_behind_the_picture_is_cut_off() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("payload.html", "<script>alert(1)</script>")
    polyglot = saved(two_halves(), "JPEG") + archive.getvalue()
    assert zipfile.is_zipfile(io.BytesIO(polyglot))

    photo = clean(polyglot)

    assert not zipfile.is_zipfile(io.BytesIO(photo.data))
    assert photo.data.endswith(b"\xff\xd9")
    assert b"script" not in photo.data


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animation_becomes_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (60, 40), colour) for colour in (RED, BLUE)]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
    assert Image.open(io.BytesIO(data)).n_frames == 2

    photo = clean(data)

    assert is_near(reopened(photo.data).getpixel((30, 20)), RED)


def test_picture_of_several_parts_as_phones_make_them_is_taken() -> None:
    parts = [Image.new("RGB", (60, 40), colour) for colour in (RED, BLUE)]
    data = saved(parts[0], "MPO", save_all=True, append_images=parts[1:])

    assert is_near(reopened(clean(data).data).getpixel((30, 20)), RED)


def test_print_colours_become_screen_colours() -> None:
    photo = clean(saved(two_halves(mode="CMYK"), "JPEG"))

    image = reopened(photo.data)
    assert image.mode == "RGB"
    assert is_near(image.getpixel((10, 150)), RED)


def test_sixteen_bits_keep_their_shades() -> None:
    shades = Image.new("I;16", (30, 10))
    for column in range(30):
        for line in range(10):
            shades.putpixel((column, line), (0, 0x8000, 0xFFFF)[column // 10])

    image = reopened(clean(saved(shades, "PNG")).data)

    for column, shade in ((5, 0), (15, 128), (25, 255)):
        assert is_near(image.getpixel((column, 5)), (shade, shade, shade))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "PA"])
def test_clear_parts_become_white(mode: str) -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0 if "A" in mode else 255))
    data = (
        saved(image.convert(mode), "PNG")
        if mode != "PA"
        else (saved(Image.new("P", (40, 40)), "PNG", transparency=0))
    )
    expected = (255, 255, 255) if "A" in mode else (0, 0, 0)

    assert is_near(reopened(clean(data).data).getpixel((20, 20)), expected)


def test_same_file_has_the_same_digest() -> None:
    data = saved(two_halves(), "WEBP")

    assert clean(data) == clean(data)


def test_clean_photo_stays_the_same_size_when_cleaned_again() -> None:
    once = clean(saved(two_halves((5000, 3000)), "JPEG"))
    twice = clean(once.data)

    assert (twice.width, twice.height) == (once.width, once.height)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "WEBP"]), st.data())
def test_damaged_file_is_a_photo_or_a_refusal(kind: str, data: st.DataObject) -> None:
    damaged = bytearray(saved(two_halves((40, 30)), kind, exif=exif_of_a_phone(6)))
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))

    # Whatever else it raised would fail the test.
    with contextlib.suppress(RuleViolation):
        photo = clean(bytes(damaged))
        assert reopened(photo.data).size == (photo.width, photo.height)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_refusal(data: bytes) -> None:
    with pytest.raises(RuleViolation):
        clean(data)
