"""Put many small pictures into one, as text that a page can hold."""

import base64
import io
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from scan_core.baselines.pixel_features import shrink


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
    return Sheet(_uri(Image.fromarray(pixels[..., 0] if channels == 1 else pixels)), columns, rows)


def data_uri(content: bytes, kind: str) -> str:
    """Return ``content``, a picture of ``kind`` (``png``, ``jpeg``), as an address that holds the picture itself."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _uri(picture: Image.Image) -> str:
    """Encode as PNG or JPEG, whichever is smaller."""
    png, jpeg = io.BytesIO(), io.BytesIO()
    picture.save(png, "PNG", optimize=True)
    picture.save(jpeg, "JPEG", quality=80, optimize=True)
    if len(png.getvalue()) <= len(jpeg.getvalue()):
        return data_uri(png.getvalue(), "png")
    return data_uri(jpeg.getvalue(), "jpeg")
