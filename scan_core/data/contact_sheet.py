"""A picture of many images side by side, as the network will see them."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from scan_core.artifacts.atomic import atomic_path

TILE = 64
"""Small images are enlarged by a whole factor to about so many pixels."""
LARGEST_TILE = 256
GAP = 2
BACKGROUND = 255


def write_contact_sheet(path: Path, images: npt.NDArray[np.uint8]) -> None:
    """Write ``images`` [N, C, S, S] as one PNG, row by row in a square grid; equal images give equal bytes."""
    tiles = [_tile(image) for image in images]
    columns = math.ceil(math.sqrt(len(tiles)))
    step = tiles[0].shape[0] + GAP
    height, width = math.ceil(len(tiles) / columns) * step + GAP, columns * step + GAP
    sheet = np.full((height, width, images.shape[1]), BACKGROUND, np.uint8)
    for i, tile in enumerate(tiles):
        top, left = i // columns * step + GAP, i % columns * step + GAP
        sheet[top : top + len(tile), left : left + len(tile)] = tile
    with atomic_path(path) as temporary:
        Image.fromarray(sheet.squeeze()).save(temporary, format="PNG", optimize=False)


def _tile(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """[C, S, S] to [T, T, C]."""
    pixels = image.transpose(1, 2, 0)
    if len(pixels) > LARGEST_TILE:
        reduced = Image.fromarray(np.ascontiguousarray(pixels).squeeze()).resize((LARGEST_TILE, LARGEST_TILE))
        return np.atleast_3d(np.asarray(reduced))
    factor = max(1, TILE // len(pixels))
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)
