"""Put many small pictures into one, as text that a page can hold."""

import base64
import io
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from scan_core.images.shrink import shrink

SMALL = 40
"""Upper limit of a thumbnail's side in pixels, where there are many."""
EXACT = 16
"""Upper limit of the side of thumbnails that are kept exactly, as PNG; JPEG, whose blocks have 8, blurs them."""


class Sheet(NamedTuple):
    """One picture with many thumbnails in it, row by row."""

    uri: str
    """The picture, as ``data:image/...``."""
    columns: int
    rows: int


def sheet(images: UInt8[np.ndarray, "images channels size size"], *, largest: int, columns: int) -> Sheet:
    """Return :func:`picture_of` the images as text."""
    return Sheet(data_uri(*picture_of(images, largest=largest, columns=columns)), columns, -(-len(images) // columns))


def picture_of(
    images: UInt8[np.ndarray, "images channels size size"], *, largest: int, columns: int
) -> tuple[bytes, str]:
    """Shrink ``images`` to at most ``largest`` pixels per side, and arrange them; equal images give equal bytes.

    Returns:
        A file, and its kind: ``png`` or ``jpeg``.
    """
    small = np.rint(shrink(images, largest=largest)).astype(np.uint8)
    count, channels, height, width = small.shape
    rows = -(-count // columns)
    grid = np.full((rows * columns, channels, height, width), 255, dtype=np.uint8)
    grid[:count] = small
    pixels = grid.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    pixels = pixels.reshape(rows * height, columns * width, channels)
    picture = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    content, kind = io.BytesIO(), "png" if height <= EXACT else "jpeg"
    picture.save(content, kind.upper(), **({"quality": 80, "optimize": True} if kind == "jpeg" else {}))
    return content.getvalue(), kind


def data_uri(content: bytes, kind: str) -> str:
    """Return ``content``, a picture of ``kind`` (``png``, ``jpeg``), as an address that holds the picture itself."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
