"""Draw many images side by side, as the network will see them."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from scan_core.artifacts.atomic import atomic_path

TILE = 64
"""Pixels per side, about, to which small images are enlarged by an integer factor."""
LARGEST_TILE = 256
GAP = 2
BACKGROUND = 255
HEADING_HEIGHT = 20
HEADING_SIZE = 13


def write_contact_sheet(
    path: Path, images: npt.NDArray[np.uint8], *, columns: int | None = None, headings: Mapping[int, str] | None = None
) -> None:
    """Write ``images`` [N, C, S, S] as one PNG, row by row; equal images give equal bytes.

    Args:
        columns: images in a row; by default, as many as there are rows.
        headings: column -> text above it, which may extend over the next columns.
    """
    tiles = [_tile(image) for image in images]
    columns = columns or math.ceil(math.sqrt(len(tiles)))
    step = tiles[0].shape[0] + GAP
    height, width = math.ceil(len(tiles) / columns) * step + GAP, columns * step + GAP
    sheet = np.full((height, width, images.shape[1]), BACKGROUND, np.uint8)
    for i, tile in enumerate(tiles):
        top, left = i // columns * step + GAP, i % columns * step + GAP
        sheet[top : top + len(tile), left : left + len(tile)] = tile
    page = Image.fromarray(sheet.squeeze())
    if headings:
        page = _under_headings(page, {column * step + GAP: text for column, text in headings.items()})
    with atomic_path(path) as temporary:
        page.save(temporary, format="PNG", optimize=False)


def _under_headings(page: Image.Image, headings: Mapping[int, str]) -> Image.Image:
    whole = Image.new(page.mode, (page.width, page.height + HEADING_HEIGHT), (BACKGROUND,) * len(page.getbands()))
    whole.paste(page, (0, HEADING_HEIGHT))
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(HEADING_SIZE)
    for left, text in headings.items():
        draw.text((left, HEADING_HEIGHT // 2), text, fill=(0,) * len(page.getbands()), font=font, anchor="lm")
    return whole


def _tile(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Enlarge [C, S, S] to [T, T, C]."""
    pixels = image.transpose(1, 2, 0)
    if len(pixels) > LARGEST_TILE:
        reduced = Image.fromarray(np.ascontiguousarray(pixels).squeeze()).resize((LARGEST_TILE, LARGEST_TILE))
        return np.atleast_3d(np.asarray(reduced))
    factor = max(1, TILE // len(pixels))
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)
