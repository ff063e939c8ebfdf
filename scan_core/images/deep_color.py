"""Pictures with 16 bits for each color (PNG, TIFF), of which Pillow keeps the higher 8 alone.

Opened a second time, with the order of the bytes turned round, a file yields the lower 8. Gray pictures of 16 bits have
a mode of their own in Pillow; where they are transparent (PNG), the higher 8 bits alone are known.
"""

import sys
from typing import Any

import numpy as np
from jaxtyping import UInt8, UInt16
from PIL import Image
from PIL.ImageFile import ImageFile

TURNED = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
"""Orders of the two bytes of a value: big-endian, little-endian, as the machine's; and the other one of each."""
RAW_MODES = {f"{mode};{order}": f"{mode};{other}" for mode in ("RGB", "RGBA") for order, other in TURNED.items()}


def has_deep_color(image: Image.Image) -> bool:
    """Whether each color has 16 bits in the file that ``image``, not loaded yet, is opened from."""
    return (
        isinstance(image, ImageFile) and bool(image.tile) and all(_raw_mode(tile) in RAW_MODES for tile in image.tile)
    )


def turn_bytes(image: Image.Image) -> None:
    """Let ``image``, which has deep color and is not loaded yet, have the lower bytes in place of the higher ones."""
    if isinstance(image, ImageFile):
        image.tile = [tile._replace(args=_with_raw_mode(tile, RAW_MODES[_raw_mode(tile)])) for tile in image.tile]


def deep_colors(higher: Image.Image, lower: Image.Image) -> UInt16[np.ndarray, "height width 3"]:
    """Put the bytes together; transparency is left out."""
    high, low = (np.asarray(image)[..., :3].astype(np.uint16) for image in (higher, lower))
    return high << 8 | low


def with_colors(image: Image.Image, colors: UInt8[np.ndarray, "height width 3"]) -> Image.Image:
    """``image``, RGB or RGBA, in other ``colors``."""
    changed = Image.fromarray(colors)
    if image.mode == "RGBA":
        changed.putalpha(image.getchannel("A"))
    return changed


def _raw_mode(tile: Any) -> str:
    return str(tile.args if isinstance(tile.args, str) else next(iter(tile.args or ()), ""))


def _with_raw_mode(tile: Any, raw_mode: str) -> str | tuple[Any, ...]:
    return raw_mode if isinstance(tile.args, str) else (raw_mode, *tile.args[1:])
