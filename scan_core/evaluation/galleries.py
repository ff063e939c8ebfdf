"""Draw the most typical images of each cluster, and the images with the lowest confidence."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, UInt8
from matplotlib.figure import Figure

from scan_core.evaluation.figure import DPI, look, shorten
from scan_core.images.shrink import shrink

SMALLEST, LARGEST = 64, 96
GAP = 6
ROWS = 40
"""Upper limit of the number of clusters shown; these are the largest."""


def tiles(images: UInt8[np.ndarray, "images channels size size"]) -> UInt8[np.ndarray, "images side side 3"]:
    """Resize images to 64 to 127 pixels per side, by repeating or averaging whole pixels, and convert gray to RGB."""
    reduced = np.rint(shrink(images, largest=LARGEST)).astype(np.uint8)
    factor = -(-SMALLEST // reduced.shape[-1])
    large = reduced.repeat(factor, axis=2).repeat(factor, axis=3)
    return np.broadcast_to(large, (len(large), 3, *large.shape[2:])).transpose(0, 2, 3, 1)


def shown_clusters(sizes: Int[np.ndarray, " clusters"]) -> Int[np.ndarray, " shown"]:
    """Return the numbers of the ``ROWS`` largest clusters, ascending."""
    return np.sort(np.argsort(-sizes, kind="stable")[:ROWS])


def prototype_gallery(
    images: UInt8[np.ndarray, "shown channels size size"],
    counts: Sequence[int],
    sizes: Int[np.ndarray, " clusters"],
    names: Sequence[str],
) -> Figure:
    """Draw one row per cluster, the most typical image first.

    Args:
        images: the images of the :func:`shown_clusters`, one cluster after the other.
        counts: the number of images of each shown cluster.
        sizes: the size of every cluster.
        names: the prediction of every cluster.
    """
    clusters = shown_clusters(sizes)
    pictures = tiles(images)
    side, margin, header = pictures.shape[1], 190, 34
    starts = np.cumsum([0, *counts])
    width = margin + max(1, *counts) * (side + GAP)
    sheet = _Sheet(width=width, height=header + len(clusters) * (side + GAP))
    shown = "" if len(clusters) == len(sizes) else f" ({len(clusters)} largest of {len(sizes)})"
    sheet.write(GAP, header // 2, f"Most typical pictures of each cluster{shown}", size=11)
    for row, cluster in enumerate(clusters):
        top = header + row * (side + GAP)
        sheet.write(GAP, top + side // 2, _row_name(int(cluster), names[cluster], int(sizes[cluster])))
        for column, picture in enumerate(pictures[starts[row] : starts[row + 1]]):
            sheet.paste(margin + column * (side + GAP), top, picture)
    return sheet.figure()


def _row_name(cluster: int, name: str, size: int) -> str:
    own, count = f"cluster {cluster}", f"{size:,} images" if size else "empty"
    return f"{own}\n{count}" if name == own else f"{shorten(name, 22)}\n{own}, {count}"


def uncertain_gallery(
    images: UInt8[np.ndarray, "shown channels size size"],
    predicted: Sequence[str],
    confidence: Float[np.ndarray, " shown"],
    actual: Sequence[str | None],
    *,
    columns: int = 8,
) -> Figure:
    """Draw a grid of the least confident images, each with its prediction, confidence and, if known, class."""
    pictures = tiles(images)
    side, header, caption = pictures.shape[1], 34, 34
    cell = max(side, 104) + GAP
    rows = -(-len(images) // columns)
    sheet = _Sheet(width=columns * cell + GAP, height=header + rows * (side + caption + GAP))
    title = "Least confident pictures: prediction and confidence" + (", label" if any(actual) else "")
    sheet.write(GAP, header // 2, title, size=11)
    for i, picture in enumerate(pictures):
        left, top = GAP + i % columns * cell, header + i // columns * (side + caption + GAP)
        sheet.paste(left, top, picture)
        name, guess = actual[i], f"{shorten(predicted[i], 11)} {confidence[i]:.2f}"
        sheet.write(left, top + side + caption // 4, guess, size=8)
        if name is not None:
            sheet.write(left, top + side + 3 * caption // 4, f"is {shorten(name, 13)}", size=8)
    return sheet.figure()


class _Sheet:
    """A white page with one pixel per pixel of the PNG, so that images stay sharp."""

    def __init__(self, *, width: int, height: int) -> None:
        self._page = np.full((height, width, 3), 255, dtype=np.uint8)
        self._texts: list[tuple[int, int, str, int]] = []

    def paste(self, left: int, top: int, picture: UInt8[np.ndarray, "height width 3"]) -> None:
        self._page[top : top + picture.shape[0], left : left + picture.shape[1]] = picture

    def write(self, left: int, middle: int, text: str, *, size: int = 9) -> None:
        self._texts.append((left, middle, text, size))

    def figure(self) -> Figure:
        height, width, _ = self._page.shape
        with look():
            figure = Figure(figsize=(width / DPI, height / DPI))
            figure.figimage(self._page, origin="upper")
            for left, middle, text, size in self._texts:
                figure.text(left / width, 1 - middle / height, text, fontsize=size, va="center")
            return figure
