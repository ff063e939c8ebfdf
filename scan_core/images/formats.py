"""Tell the formats of picture files apart, and open them without decoding."""

import struct
from collections.abc import Sequence
from contextlib import suppress
from io import BufferedReader, BytesIO
from pathlib import Path

from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from scan_core.errors import DataError
from scan_core.images.png import PNG, without_metadata

WITHOUT_SUFFIX = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "PPM", "JPEG2000", "AVIF")
"""What a file may be whose name does not say that it is a picture. TIFF is not among them: so begin cameras' raw files,
in which there is but a thumbnail to be found."""

FORMATS = (*WITHOUT_SUFFIX, "TIFF")
"""No other decoder of Pillow's is tried: some of them start other programs. HEIC has a decoder of its own."""

HEIC = tuple(
    b"ftyp" + brand
    for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"heif", b"mif1", b"msf1")
)
"""Bytes 4 to 12 of such a file."""

JPEG = b"\xff\xd8\xff"
"""The first bytes of every JPEG file."""

GIT_LFS = b"version https://git-lfs.github.com/spec/"
"""The beginning of what Git keeps in place of a large file."""

WEB_PAGE = (b"<!doctype html", b"<html")
"""The beginnings of a web page, in small letters; it may answer a download."""


class UnreadableImageError(DataError):
    """An image cannot be decoded; the message names neither the file nor the machine."""


def is_picture(path: Path) -> bool:
    """Say whether the file begins as one of ``WITHOUT_SUFFIX`` or HEIC does; its pixels may be damaged all the same."""
    try:
        with path.open("rb") as file:
            if file.read(16)[4:12] not in HEIC:
                file.seek(0)
                _identify(file, WITHOUT_SUFFIX)
            return True
    except Exception:  # a file that is no picture can raise almost anything inside a decoder
        return False


def open_picture(encoded: bytes) -> Image.Image:
    """Open a picture without decoding it; metadata of a PNG that Pillow refuses for their length are left out.

    Raises:
        UnidentifiedImageError: none of the formats.
        UnreadableImageError: HEIC, without the package that decodes it.
    """
    try:
        return _identify(BytesIO(encoded), FORMATS)
    except UnidentifiedImageError:
        if encoded[4:12] not in HEIC:
            raise
        return _open_heic(encoded)
    except ValueError:
        if not encoded.startswith(PNG):
            raise
        return _identify(BytesIO(without_metadata(encoded)), ["PNG"])


def _identify(file: BufferedReader | BytesIO, formats: Sequence[str]) -> Image.Image:
    """Do what ``Image.open`` does, but for its limit on pixels, which all of a process would share."""
    Image.init()
    beginning = file.read(16)
    for make, accepts in (Image.OPEN[format] for format in formats):
        with suppress(IndexError, SyntaxError, TypeError, struct.error):  # so they say that it is not theirs
            if accepts is None or accepts(beginning):
                file.seek(0)
                return make(file, "")
    raise UnidentifiedImageError


def _open_heic(encoded: bytes) -> Image.Image:
    try:
        from pi_heif import HeifImageFile  # an optional package
    except ImportError:
        raise UnreadableImageError(
            "HEIC, which the optional package pi-heif decodes: install it (uv pip install pi-heif)"
        ) from None
    return HeifImageFile(BytesIO(encoded))


def is_rotated(jpeg: bytes) -> bool:
    """Say whether EXIF says that the pixels are not upright, which some decoders ignore."""
    with _identify(BytesIO(jpeg), ["JPEG"]) as image:
        return orientation_of(image) != 1


def orientation_of(image: Image.Image) -> int:
    """Return EXIF's orientation, 1 (upright) to 8. Pillow itself turns a TIFF when it loads it."""
    if isinstance(image, TiffImageFile):
        return 1
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # only the orientation's metadata is damaged, the pixels are not
        return 1


def is_animated(image: Image.Image) -> bool:
    """Say whether there are further frames; not the smaller copies that cameras put behind a photograph (MPO)."""
    return image.format != "MPO" and getattr(image, "is_animated", False)


def why_unidentified(encoded: bytes) -> str:
    """Say what is there instead of a picture in one of the formats."""
    if not encoded:
        return "empty (0 bytes)"
    if encoded.startswith(GIT_LFS):
        return "a Git LFS pointer, not the picture; run git lfs pull"
    if encoded[:100].lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(WEB_PAGE):
        return "a web page, not a picture; download it again"
    if encoded.startswith(JPEG):
        return "a JPEG file that is damaged, lossless or of 12 bits; convert it, to PNG for instance"
    return f"not a picture in one of the formats {', '.join(FORMATS)} or HEIC"
