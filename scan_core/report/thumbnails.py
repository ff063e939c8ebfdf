"""Put many small pictures into one, as text that a page can hold."""

import base64
import io
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from scan_core.images.shrink import shrink

EXACT = 16
"""Upper limit of the side of thumbnails that are kept exactly, as PNG; JPEG, whose blocks have 8, blurs them."""


class Sheet(NamedTuple):
    """One picture with many thumbnails in it, row by row."""

    uri: str
    """The picture, as ``data:image/...``."""
    columns: int
    rows: int


def sheet(images: UInt8[np.ndarray, "images channels size size"], *, largest: int, columns: int) -> Sheet:
    """Shrink ``images`` to at most ``largest`` pixels per side, and arrange them; equal images give equal text."""
    small = np.rint(shrink(images, largest=largest)).astype(np.uint8)
    count, channels, height, width = small.shape
    rows = -(-count // columns)
    grid = np.full((rows * columns, channels, height, width), 255, dtype=np.uint8)
    grid[:count] = small
    pixels = grid.reshape(rows, columns, channels, height, width).transpose(0, 3, 1, 4, 2)
    pixels = pixels.reshape(rows * height, columns * width, channels)
    picture = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    return Sheet(_uri(picture, exact=height <= EXACT), columns, rows)


def data_uri(content: bytes, kind: str) -> str:
    """Return ``content``, a picture of ``kind`` (``png``, ``jpeg``), as an address that holds the picture itself."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _uri(picture: Image.Image, *, exact: bool) -> str:
    content, kind = io.BytesIO(), "png" if exact else "jpeg"
    picture.save(content, kind.upper(), **({} if exact else {"quality": 80, "optimize": True}))
    return data_uri(content.getvalue(), kind)
