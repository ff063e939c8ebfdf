"""What Pillow leaves out of a PNG file: the checksums of its chunks, and half of the bits of 16-bit colors."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from jaxtyping import UInt16
from PIL import Image

PNG = b"\x89PNG\r\n\x1a\n"
"""The first bytes of every PNG file."""

DEPTH, COLOR_TYPE = 24, 25
"""Where a file's number of bits stands, and its color type, which is 0 for opaque gray."""
METADATA = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")


def without_metadata(png: bytes) -> bytes:
    """``png`` without texts and color profile; the rest as it is, also where it is damaged."""
    return PNG + b"".join(png[start:end] for name, start, end in _chunks(png) if name not in METADATA)


def check_pixels(png: bytes) -> None:
    """Compare each chunk of pixels with its checksum, which Pillow passes over.

    Raises:
        ValueError: they differ: the file is damaged.
    """
    content = memoryview(png)
    for name, start, end in _chunks(png):
        if name == b"IDAT" and zlib.crc32(content[start + 4 : end - 4]) != int.from_bytes(content[end - 4 : end]):
            raise ValueError("the checksum of its pixels is wrong: the file is damaged")


def png_values(image: Image.Image, encoded: bytes) -> UInt16[np.ndarray, "height width 3"] | None:
    """Return the colors of ``image``, opened from ``encoded``, without transparency; None if 8 bits are enough for
    them, or it is opaque and gray.

    Raises:
        RuntimeError: the file is damaged.
    """
    if encoded[DEPTH] != 16 or encoded[COLOR_TYPE] == 0:
        return None
    from imagecodecs import png_decode  # takes time, and few folders need it

    values = np.asarray(png_decode(encoded))
    return values[..., :3] if values.shape[2] > 2 else values[..., [0, 0, 0]]


def _chunks(png: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each chunk, and where it starts and ends; the last one may be cut off."""
    at = len(PNG)
    while at + 8 <= len(png):
        length, name = struct.unpack_from(">I4s", png, at)
        yield name, at, at + 12 + length
        at += 12 + length
