"""Decode many images on threads, straight into the rows of the artifact."""

from collections.abc import Sequence
from functools import partial
from itertools import chain, islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scan_core.console.progress import track
from scan_core.datasets.dataset import Dataset, Skipped, Stored
from scan_core.errors import DataError
from scan_core.images.decode import MOST_PIXELS
from scan_core.images.formats import UnreadableImageError
from scan_core.images.levels import Values
from scan_core.images.preparation import Preparation
from scan_core.ingest.file_digests import BYTES as FILE_DIGEST_BYTES
from scan_core.ingest.prepare import DIGEST_BYTES, Prepared, prepare
from scan_core.ingest.store import Store
from scan_core.parallel.threads import ordered_map

CHUNK_BYTES = 2**18
"""Decoded bytes, about, in one task of a thread: many small images, or a large one."""
SAMPLE = 64
"""Number of images that show whether those of a dataset are small."""
SMALL = 96
"""Pixels per side. Decoding a smaller image is mostly work of Python's own, in which threads hinder each other: an
image of CIFAR-10 took 0.11 ms on one thread, 0.18 on two, 0.24 on three."""


class BadImageError(DataError):
    """An image cannot be read, and must not be skipped."""


class Loaded(NamedTuple):
    """The outcome for N images."""

    readable: npt.NDArray[np.bool_]
    """[N], whether each could be read; the rows of the others hold no image."""
    original_size: npt.NDArray[np.int64]
    """[N, 2], width and height before resizing; 0 where unreadable."""
    moments: npt.NDArray[np.int64]
    """[N, C, 2], as in ``Prepared``."""
    digest: npt.NDArray[np.uint8]
    """[N, bytes], as in ``Prepared``."""
    animated: npt.NDArray[np.bool_]
    """[N], as in ``Prepared``."""
    file_digest: npt.NDArray[np.uint8]
    """[N, bytes], as in ``Prepared``."""
    values: list[Values | None]
    """[N], as in ``Prepared``."""
    skipped: list[Skipped]
    """The unreadable images, in the origin's order."""


def load_images(
    dataset: Dataset,
    rows: npt.NDArray[np.int64],
    store: Store,
    *,
    preparation: Preparation,
    workers: int,
    skip_unreadable: bool,
    most_pixels: int = MOST_PIXELS,
    places: npt.NDArray[np.int64] | None = None,
) -> Loaded:
    """Decode and prepare the images ``rows`` of ``dataset``, and store that of rows[i] in row i.

    Reads in the origin's order, whatever the order of ``rows``. The result does not depend on ``workers``; if the first
    ``SAMPLE`` images are small, no further thread is used.

    Args:
        most_pixels: of a picture that is decoded at all.
        places: [len(rows)], the row of ``store`` for each image; None means row i for the i-th.

    Raises:
        BadImageError: an image cannot be read, and ``skip_unreadable`` is false.
    """
    order = np.argsort(rows)
    loaded = _nothing_yet(len(rows), dataset.channels)
    chunk = max(1, CHUNK_BYTES // (dataset.channels * preparation.image_size**2))
    images = dataset.read(rows[order])
    decode = partial(_try_to_prepare, preparation=preparation, encode=store.encoded, most_pixels=most_pixels)
    first = [decode(stored) for stored in islice(images, SAMPLE)]
    in_turn = _all_small(first)
    others = map(decode, images) if in_turn else ordered_map(decode, images, chunk=chunk, workers=workers)
    prepared = track(chain(first, others), description="decode", total=len(rows), unit="images")
    for i, image in zip(order, prepared, strict=True):
        if isinstance(image, str):
            if not skip_unreadable:
                raise BadImageError(f"{dataset.path[rows[i]]}: {image}; correct or remove it")
            loaded.skipped.append(Skipped(dataset.path[rows[i]], image))
            continue
        store.put(int(i if places is None else places[i]), image)
        loaded.readable[i] = True
        loaded.original_size[i], loaded.moments[i] = image.original_size, image.moments
        loaded.digest[i] = np.frombuffer(image.digest, np.uint8)
        loaded.file_digest[i] = np.frombuffer(image.file_digest, np.uint8)
        loaded.animated[i], loaded.values[i] = image.animated, image.values
    return loaded


def _all_small(images: Sequence[Prepared | str]) -> bool:
    sides = [max(image.original_size) for image in images if not isinstance(image, str)]
    return bool(sides) and max(sides) < SMALL


def _nothing_yet(count: int, channels: int) -> Loaded:
    return Loaded(
        readable=np.zeros(count, bool),
        original_size=np.zeros((count, 2), np.int64),
        moments=np.zeros((count, channels, 2), np.int64),
        digest=np.zeros((count, DIGEST_BYTES), np.uint8),
        animated=np.zeros(count, bool),
        file_digest=np.zeros((count, FILE_DIGEST_BYTES), np.uint8),
        values=[None] * count,
        skipped=[],
    )


def _try_to_prepare(stored: Stored, *, preparation: Preparation, encode: bool, most_pixels: int) -> Prepared | str:
    """Return the image, or the reason why it cannot be read."""
    try:
        return prepare(stored, preparation, encode=encode, most_pixels=most_pixels)
    except UnreadableImageError as error:
        return str(error)
