"""Decoding one picture file, of any of the usual kinds, to 8-bit RGB."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from scan_core.errors import DataError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
"""No other decoder of Pillow's is tried on a file: some of them start further programs."""

JPEG = b"\xff\xd8\xff"
"""The first bytes of every JPEG file."""

MAX_PIXELS = 89_478_485
"""A picture that claims more is refused as a decompression bomb (Pillow's own warning threshold)."""

MAX_BYTES = 8 * MAX_PIXELS
"""Of a file: so many pixels of four channels and 16 bits, not compressed."""

SIXTEEN_BIT = 2**16 - 1


class UnreadableImageError(DataError):
    """Why a picture cannot be used; names neither the file nor the machine."""


def decode_rgb(encoded: bytes | Path) -> Image.Image:
    """Decode a picture: EXIF rotation applied, first frame, transparency laid on white, high byte of 16-bit values.

    Raises:
        UnreadableImageError: not a picture, damaged, of a kind that has no 8-bit meaning, or too large to be one.
    """
    try:
        with Image.open(encoded if isinstance(encoded, Path) else BytesIO(encoded), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableImageError(f"{image.width} x {image.height} pixels, at most {MAX_PIXELS} are decoded")
            image.load()
            return _to_rgb(_upright(image))
    except (UnreadableImageError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise UnreadableImageError(_not_a_picture(encoded)) from None
    except Exception as error:  # a damaged file can raise almost anything inside a decoder
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
        raise UnreadableImageError(f"cannot be decoded ({' '.join(reason.split())})") from error


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # the pixels are sound, only the note about their orientation is not
        return image


def _to_rgb(image: Image.Image) -> Image.Image:
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
