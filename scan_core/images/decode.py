"""Decode one image file of a common format to 8-bit RGB."""

from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from scan_core.errors import DataError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
"""No other decoder of Pillow's is tried: some of them start other programs."""

JPEG = b"\xff\xd8\xff"
"""The first bytes of every JPEG file."""

MAX_PIXELS = 89_478_485
"""A larger image is refused as a decompression bomb (Pillow's own threshold for warnings)."""

SIDEWAYS = (5, 6, 7, 8)
"""The EXIF orientations that swap width and height."""

MAX_BYTES = 8 * MAX_PIXELS
"""Upper limit of a file: so many pixels of four channels and 16 bits, not compressed."""

SIXTEEN_BIT = 2**16 - 1


class UnreadableImageError(DataError):
    """An image cannot be decoded; the message names neither the file nor the machine."""


class Decoded(NamedTuple):
    """An RGB image, and its upright width and height before reduction."""

    image: Image.Image
    original_size: tuple[int, int]


def decode_rgb(encoded: bytes | Path, *, at_least: int | None = None) -> Decoded:
    """Decode an image: EXIF rotation applied, first frame, transparency on white, high byte of 16-bit values.

    Args:
        at_least: pixels per side that are needed; a JPEG file is decoded at 1/2, 1/4 or 1/8 of its size if that is
            enough, by leaving out high frequencies. None decodes the full size.

    Raises:
        UnreadableImageError: not an image, damaged, without an 8-bit meaning, or too large.
    """
    try:
        with Image.open(encoded if isinstance(encoded, Path) else BytesIO(encoded), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableImageError(f"{image.width} x {image.height} pixels, at most {MAX_PIXELS} are decoded")
            width, height = image.size
            if at_least is not None:
                image.draft(None, (at_least, at_least))
            orientation = _orientation(image)
            image.load()
            upright = image if orientation == 1 else ImageOps.exif_transpose(image)
            return Decoded(_to_rgb(upright), (height, width) if orientation in SIDEWAYS else (width, height))
    except (UnreadableImageError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise UnreadableImageError(_not_a_picture(encoded)) from None
    except Exception as error:  # a damaged file can raise almost anything inside a decoder
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
        raise UnreadableImageError(f"cannot be decoded ({' '.join(reason.split())})") from error


def is_rotated(jpeg: bytes) -> bool:
    """Return whether EXIF says that the pixels are not upright, which some decoders ignore."""
    with Image.open(BytesIO(jpeg), formats=["JPEG"]) as image:
        return _orientation(image) != 1


def _orientation(image: Image.Image) -> int:
    """Return EXIF's orientation, 1 (upright) to 8."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # only the orientation's metadata is damaged, the pixels are not
        return 1


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    if image.mode == "F":
        raise UnreadableImageError("floating-point pixels, expected integers of 8 or 16 bits")
    if image.mode.startswith("I"):
        image = _high_byte(image)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")


def _high_byte(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > SIXTEEN_BIT:
        raise UnreadableImageError(f"pixel values {values.min()} to {values.max()}, expected 8 or 16 bits")
    return Image.fromarray((values >> 8).astype(np.uint8))


def _not_a_picture(encoded: bytes | Path) -> str:
    size = encoded.stat().st_size if isinstance(encoded, Path) else len(encoded)
    return "empty (0 bytes)" if size == 0 else f"not a picture in one of the formats {', '.join(FORMATS)}"
