"""PPM files with colors of more than 8 bits, of which Pillow keeps 8."""

from io import BytesIO

import numpy as np
from jaxtyping import UInt16
from PIL import Image
from PIL.PpmImagePlugin import PpmImageFile

GRAY = {"ppm": b"P5", "ppm_plain": b"P2"}
"""What a gray file begins with whose values are written as those of a color file are, by Pillow's decoder."""
WHITE, HIGHEST = 2**8 - 1, 2**16 - 1


def ppm_values(image: Image.Image, encoded: bytes) -> UInt16[np.ndarray, "height width 3"] | None:
    """Return the colors of ``image``, opened from ``encoded`` and not loaded yet; None if 8 bits are enough for them.

    They lie between 0 and 65,535, the highest value that the file may contain. They are read as those of a gray image
    that is three times as wide.

    Raises:
        OSError, ValueError: the file is damaged.
    """
    if not isinstance(image, PpmImageFile) or image.mode != "RGB":
        return None
    decoder, _, offset, args = image.tile[0]
    highest = args[1] if isinstance(args, tuple) else WHITE
    if highest <= WHITE:
        return None
    width, height = image.size
    header = b"%s %d %d %d\n" % (GRAY[decoder], 3 * width, height, HIGHEST)
    with PpmImageFile(BytesIO(header + encoded[offset:])) as gray:
        values = np.asarray(gray).reshape(height, width, 3)
    scaled = np.rint(np.arange(HIGHEST + 1).clip(max=highest) * (HIGHEST / highest)).astype(np.uint16)
    return scaled[values]
