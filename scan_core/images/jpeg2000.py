"""JPEG 2000 files of more than 8 bits: of their colors, Pillow keeps 8."""

import struct

import numpy as np
from jaxtyping import UInt16
from PIL import Image

SIZE = b"\xff\x4f\xff\x51"
"""The markers that begin a code stream and describe its size."""


def jpeg2000_values(image: Image.Image, encoded: bytes) -> UInt16[np.ndarray, "height width 3"] | None:
    """Return the colors of ``image``, opened from ``encoded``; None if 8 bits are enough for them.

    They lie between 0 and 65,535, whatever their number of bits.

    Raises:
        RuntimeError, ValueError: the file is damaged.
    """
    at = encoded.find(SIZE)
    if image.mode != "RGB" or at < 0:
        return None
    right, below, left, above = struct.unpack_from(">4I", encoded, at + 8)
    channels, bits = encoded[at + 40 : at + 51], encoded[at + 42] + 1
    expected = bytes((0, 3)) + bytes((bits - 1, 1, 1)) * 3  # without a sign, none of them reduced
    if channels != expected or not 8 < bits <= 16 or (right - left, below - above) != image.size:
        return None
    from imagecodecs import jpeg2k_decode  # takes time, and few folders need it

    return np.asarray(jpeg2k_decode(encoded)) << (16 - bits)
