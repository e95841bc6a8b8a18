"""Sixty files of all kinds at once: what is kept is a new JPEG of the picture and nothing else."""

import io
import zipfile
from collections.abc import Iterator

from PIL import Image

from activities.photos import PIXELS_MAX, clean
from core.errors import RuleViolation
from tests.activities.test_photos import exif_of_a_phone, png_of_size, saved, two_halves

SECRET = b"<script>SecretPayload</script>"
KINDS = ("JPEG", "PNG", "WEBP")


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("payload.html", SECRET)
    return file.getvalue()


def taken() -> Iterator[tuple[str, bytes]]:
    """Pictures with something about them that must not be kept."""
    picture = two_halves()
    for kind in KINDS:
        plain = saved(picture, kind)
        yield f"{kind} plain", plain
        yield f"{kind} with an archive behind", plain + archive()
        yield f"{kind} with a page behind", plain + SECRET
        yield f"{kind} with another picture behind", plain + saved(picture, "GIF")
        yield f"{kind} with place and camera", saved(picture, kind, exif=exif_of_a_phone(6))
        yield f"{kind} with a profile", saved(picture, kind, icc_profile=SECRET * 9)
        yield f"{kind} of one pixel", saved(two_halves((1, 1)), kind)
        yield f"{kind} very narrow", saved(two_halves((2, 4000)), kind)
        yield f"{kind} large", saved(two_halves((1800, 1200)), kind)
    for mode in ("L", "CMYK"):
        yield f"JPEG {mode}", saved(two_halves(mode=mode), "JPEG")
    for mode in ("1", "L", "LA", "P", "RGBA", "I;16"):
        image = Image.new(mode, (90, 60)) if mode == "I;16" else two_halves(mode=mode)
        yield f"PNG {mode}", saved(image, "PNG")
    for kind in ("PNG", "WEBP"):
        frames = [two_halves((60, 40)), Image.new("RGB", (60, 40))]
        yield f"{kind} animated", saved(frames[0], kind, save_all=True, append_images=frames[1:])
    yield "JPEG progressive", saved(picture, "JPEG", progressive=True)
    yield "JPEG with a comment", saved(picture, "JPEG", comment=SECRET)
    yield "JPEG with XMP", saved(picture, "JPEG", xmp=SECRET)
    yield "WEBP lossless", saved(picture, "WEBP", lossless=True)


def refused() -> Iterator[tuple[str, bytes]]:
    """Bombs, halves, and what only calls itself a photo."""
    picture = two_halves()
    for kind in KINDS:
        whole = saved(Image.effect_noise((200, 200), 90).convert("RGB"), kind)
        yield f"{kind} cut in half", whole[: len(whole) // 2]
        yield f"{kind} head only", whole[:24]
    for kind in ("GIF", "BMP", "TIFF", "ICO", "PPM"):
        yield f"{kind} called .jpg", saved(picture, kind)
    yield "a bomb by its header", png_of_size(PIXELS_MAX, 2)
    yield "a real bomb", saved(Image.new("1", (6_000, 6_000)), "PNG")
    yield "a page", SECRET
    yield "a drawing with a script", b"<svg xmlns='http://www.w3.org/2000/svg'>" + SECRET
    yield "an archive", archive()
    yield "a page before the picture", SECRET + saved(picture, "JPEG")
    yield "PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"
    yield "nothing", b""


def test_corpus_comes_out_as_new_pictures_or_refusals() -> None:
    good, bad = list(taken()), list(refused())
    assert len(good) + len(bad) >= 58

    for name, data in good:
        photo = clean(data)
        image = Image.open(io.BytesIO(photo.data), formats=["JPEG"])
        image.load()
        assert image.size == (photo.width, photo.height), name
        assert image.mode == "RGB", name
        assert not image.getexif(), name
        assert photo.data.endswith(b"\xff\xd9"), name
        assert not any(word in photo.data for word in (b"Secret", b"Exif", b"PK\x03\x04")), name
        assert image.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}, name
    kept = []
    for name, data in bad:
        try:
            clean(data)
        except RuleViolation:
            continue
        kept.append(name)
    assert kept == []
