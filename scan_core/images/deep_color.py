"""Pictures with 16 bits for each color (PNG, TIFF), of which Pillow keeps the higher 8 alone.

Opened a second time, with the order of the bytes turned round, a file yields the lower 8. Gray pictures of 16 bits have
a mode of their own in Pillow, unless they are transparent (PNG): the four bytes of each pixel are then read as four
colors.
"""

import sys
from typing import Any

import numpy as np
from jaxtyping import UInt8, UInt16
from PIL import Image
from PIL.ImageFile import ImageFile

TURNED = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
"""Orders of the two bytes of a value: big-endian, little-endian, as the machine's; and the other one of each."""
TRANSPARENT_GRAY = "LA;16B"
RAW_MODES = {f"{mode};{order}": f"{mode};{other}" for mode in ("RGB", "RGBA") for order, other in TURNED.items()}
RAW_MODES[TRANSPARENT_GRAY] = "RGBA"


def has_deep_color(image: Image.Image) -> bool:
    """Whether each color has 16 bits in the file that ``image``, not loaded yet, is opened from."""
    return (
        isinstance(image, ImageFile) and bool(image.tile) and all(_raw_mode(tile) in RAW_MODES for tile in image.tile)
    )


def lower_bytes(image: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
    """Read the lower 8 bits of each color of ``image``, which has deep color and is not loaded yet."""
    gray = False
    if isinstance(image, ImageFile):
        gray = any(_raw_mode(tile) == TRANSPARENT_GRAY for tile in image.tile)
        image.tile = [tile._replace(args=_with_raw_mode(tile, RAW_MODES[_raw_mode(tile)])) for tile in image.tile]
    values = np.asarray(image)
    return values[..., [1, 1, 1]] if gray else values[..., :3]


def deep_colors(
    higher: Image.Image, lower: UInt8[np.ndarray, "height width 3"]
) -> UInt16[np.ndarray, "height width 3"]:
    """Put the bytes together; transparency is left out."""
    return np.asarray(higher)[..., :3].astype(np.uint16) << 8 | lower


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
