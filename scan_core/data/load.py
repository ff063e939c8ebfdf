"""Decoding many images, on threads, straight into the rows of the final array."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from scan_core.data.dataset import Dataset, Skipped, Stored
from scan_core.data.decode import UnreadableImageError, decode_rgb
from scan_core.data.resize import resize_and_crop
from scan_core.runtime.progress import track

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK_BYTES = 2**18
"""About so many decoded bytes make one task of a thread: many small images, or one large."""


class Loaded(NamedTuple):
    """What became of N images."""

    readable: npt.NDArray[np.bool_]
    """[N]; the rows of the others hold no image."""
    original_size: npt.NDArray[np.int64]
    """[N, 2], width and height before resizing; 0 where unreadable."""
    skipped: list[Skipped]
    """The unreadable ones, in the origin's order."""


def load_images(dataset: Dataset, rows: npt.NDArray[np.int64], pixels: npt.NDArray[np.uint8]) -> Loaded:
    """Decode and resize the images ``rows`` of ``dataset`` into ``pixels`` [N, C, S, S], pixels[i] from rows[i].

    They are read in the origin's order, whatever the order of ``rows``, and decoded on as many threads as there are
    processors, of which the result does not depend.
    """
    size = pixels.shape[-1]
    order = np.argsort(rows)
    loaded = Loaded(np.zeros(len(rows), bool), np.zeros((len(rows), 2), np.int64), [])
    prepare = partial(_prepare, size=size)
    chunk = max(1, CHUNK_BYTES // pixels[:1].nbytes)
    prepared = ordered_map(prepare, dataset.read(rows[order]), chunk=chunk, workers=os.cpu_count() or 1)
    for i, result in zip(order, track(prepared, description="decode images", total=len(rows)), strict=True):
        if isinstance(result, str):
            loaded.skipped.append(Skipped(dataset.path[rows[i]], result))
        else:
            pixels[i], loaded.original_size[i] = result
            loaded.readable[i] = True
    return loaded


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], *, chunk: int, workers: int
) -> Iterator[Result]:
    """Yield ``function`` of each item, in order, from threads that run at most ``2 * workers`` chunks ahead."""
    iterator = iter(items)
    pending: deque[Future[list[Result]]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        while True:
            while len(pending) < 2 * workers and (batch := list(islice(iterator, chunk))):
                pending.append(pool.submit(lambda batch: [function(item) for item in batch], batch))
            if not pending:
                return
            yield from pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare(stored: Stored, *, size: int) -> tuple[npt.NDArray[np.uint8], tuple[int, int]] | str:
    """The image as [C, S, S] with its original width and height, or why it cannot be read."""
    if stored is None:
        return "no image bytes in this row"
    try:
        image = decode_rgb(stored) if isinstance(stored, bytes | Path) else _from_pixels(stored)
    except UnreadableImageError as error:
        return str(error)
    resized = np.asarray(resize_and_crop(image, size))
    return np.atleast_3d(resized).transpose(2, 0, 1), image.size


def _from_pixels(pixels: npt.NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))
