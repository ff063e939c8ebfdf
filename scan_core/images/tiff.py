"""TIFF files that Pillow refuses or misreads, read by tifffile.

They are 64-bit floating point, or have 16-bit colors, of which Pillow keeps 8. So are compressed files: Pillow leaves
them to libtiff, which writes to the terminal what is wrong with a damaged one.
"""

import logging
import math
import reprlib
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""The first bytes; with ``+``, of files that may be larger than 4 GiB."""
BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, PLANES, EXTRA, SAMPLE_FORMAT = 258, 259, 262, 277, 284, 338, 339
LZW = 5
LOSSLESS = (8, 32773, 32946, 34925, 50000, 50001)
"""Further compressions: deflate (two), PackBits, LZMA, Zstandard, WebP."""
INTEGER, SIGNED = 1, 2
"""Sample formats: integers without and with a sign."""
WHITE_IS_0 = 0
"""The photometric interpretation that turns gray round."""
RGB = 2
"""A photometric interpretation."""
MULTIPLIED, OPACITY = (1,), (2,)
"""The extra sample is the opacity, by which colors are multiplied or not."""
GRAY_OR_RGB = (WHITE_IS_0, 1, 2)
"""Photometric interpretations; 1: black is 0."""
NO_DATA_TAG = 42113
"""GDAL's tag: a number, written as text, that stands for no value."""
MAX_BYTES = 2**32
"""Of the values of a picture that is read at all."""


def other_tiff(encoded: bytes) -> Any | None:
    """Return the first page of the file (``tifffile.TiffPage``) if it is not better left to Pillow, else None.

    Raises:
        ValueError: it is cut off, or its width, height, depth or number of channels is no positive number.
    """
    if encoded[:4] not in MAGIC:
        return None
    try:
        with TiffImageFile(BytesIO(encoded)) as image:
            tags = dict(image.tag_v2)
            if not _is_misread(tags) and not _is_compressed(tags):
                return None
    except (SyntaxError, UnidentifiedImageError):
        pass
    import tifffile  # takes a second, and few folders need it

    logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)  # what it raises says enough
    try:
        page = tifffile.TiffFile(BytesIO(encoded)).pages.first
    except tifffile.TiffFileError:
        return None
    except IndexError:
        raise ValueError("cut off before its first picture is described") from None
    size = (page.imagewidth, page.imagelength, page.imagedepth, page.samplesperpixel)
    if not all(isinstance(length, int) and length > 0 for length in size):
        raise ValueError(f"width, height, depth and channels are {reprlib.repr(size)}, expected positive numbers")
    return page


def tiff_orientation(page: Any) -> int:
    """Return EXIF's orientation of a ``tifffile.TiffPage``, 1 (upright) to 8."""
    found = getattr(page.tags.get("Orientation"), "value", 1)
    return int(found) if isinstance(found, int) else 1  # the pixels are not damaged


def tiff_no_data(text: Any) -> float:
    """Return the number in the tag ``NO_DATA_TAG``; where it is missing (None) or damaged, NaN, equal to nothing."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return math.nan


def tiff_values(page: Any) -> npt.NDArray[Any]:
    """Read a ``tifffile.TiffPage``: [H, W] or, if it has colors, [H, W, 3]; transparency is left out.

    Integers of 8 bits with a sign become unsigned ones, -128 black; those of 64 bits become real numbers. Where white
    is 0, it still is.

    Raises:
        ValueError: neither gray nor RGB, no numbers, too many of them, or strips are missing.
    """
    samples, dtype = page.samplesperpixel, page.dtype
    numbers = dtype is not None and dtype.kind in "uif"
    if not numbers or samples > 4 or page.imagedepth > 1 or page.photometric not in GRAY_OR_RGB:
        raise ValueError(
            f"TIFF of {samples} channels of {dtype}, {getattr(page.photometric, 'name', page.photometric)}, depth "
            f"{page.imagedepth}; expected gray or RGB, up to four channels of numbers, depth 1; convert it, to PNG for "
            "instance"
        )
    if page.nbytes > MAX_BYTES:
        raise ValueError(f"{page.nbytes / 2**30:.1f} GiB of values, at most {MAX_BYTES // 2**30} are decoded")
    if math.prod(page.chunked) > len(page.dataoffsets):
        raise ValueError(f"{len(page.dataoffsets)} strips or tiles, expected {math.prod(page.chunked)} for its size")
    planes = page.asarray(squeeze=False, maxworkers=1)[:, 0]
    values = np.moveaxis(planes, 0, 2).reshape(page.imagelength, page.imagewidth, samples)
    if dtype == np.int8:
        values = values.view(np.uint8) ^ 128
    elif dtype.kind in "ui" and dtype.itemsize == 8:
        values = values.astype(np.float64)
    return values[..., :3] if samples > 2 else values[..., 0]


def tiff_opacity(page: Any) -> Image.Image | None:
    """Return the opacity beside 16-bit colors, of which 8 bits are enough; None if there is none, or in a plane."""
    if page.samplesperpixel != 4 or page.extrasamples != OPACITY or page.planarconfig != 1 or page.dtype != np.uint16:
        return None
    values = page.asarray(squeeze=False, maxworkers=1)[0, 0, ..., 3]
    return Image.fromarray((values >> 8).astype(np.uint8))


def _is_misread(tags: dict[int, Any]) -> bool:
    """Return whether Pillow opens a file with these tags, but reads wrong values."""
    bits, formats = set(tags.get(BITS, (1,))), set(tags.get(SAMPLE_FORMAT, (INTEGER,)))
    in_planes = tags.get(PLANES, 1) == 2 and tags.get(SAMPLES, 1) > 1
    colors = tags.get(PHOTOMETRIC) == RGB and tags.get(EXTRA) != MULTIPLIED
    return ((in_planes or colors) and max(bits) > 8) or (bits, formats) in (({8}, {SIGNED}), ({32}, {INTEGER}))


def _is_compressed(tags: dict[int, Any]) -> bool:
    """Return whether a file with these tags is compressed, and nonetheless easy to read: opaque gray or RGB.

    LZW of 8 bits is left to Pillow, which takes half of the time for it.
    """
    plain = tags.get(PHOTOMETRIC) in GRAY_OR_RGB and tags.get(SAMPLES, 1) in (1, 3)
    compression, bits = tags.get(COMPRESSION), min(tags.get(BITS, (1,)))
    return plain and ((compression in LOSSLESS and bits >= 8) or (compression == LZW and bits > 8))
