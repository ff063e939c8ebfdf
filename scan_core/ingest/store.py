"""Store images in any order: their pixels in one file or, if that is too large, encoded in shards."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scan_core.artifacts.images import PIXELS, keep_rows, new_pixels
from scan_core.artifacts.shards import PATTERN, ShardFormat, shard_path, write_shard
from scan_core.errors import ArtifactError
from scan_core.ingest.prepare import Prepared

SHARD_BYTES = 2**30
"""Bytes of pixels, about, whose encoded images make one shard."""
MOST_SHARDS = 256
NEW = ".new"
"""The folder, inside that of the images, for unfinished files."""


class PixelStore:
    """Decoded images, in the rows of a file."""

    encoded = False

    def __init__(self, pixels: np.memmap) -> None:
        self._pixels = pixels
        self._rows = np.asarray(pixels)  # a plain view: setting a row of a memmap creates a new memmap each time

    def put(self, row: int, image: Prepared) -> None:
        """Store one image; rows come in any order."""
        self._rows[row] = image.pixels

    def keep(self, keep: npt.NDArray[np.bool_]) -> None:
        """Finish with only the rows of ``keep`` [N]; their order gives the image ids."""
        keep_rows(self._pixels, keep)


class ShardStore:
    """Encoded images: first in one heap per shard, as they come, then sorted into the shards."""

    encoded = True

    def __init__(self, folder: Path, count: int, format: ShardFormat) -> None:
        self._folder, self._format = folder, format
        image_bytes = format.channels * format.image_size**2
        self._rows = max(1, SHARD_BYTES // image_bytes, -(-count // MOST_SHARDS))
        heaps = range(-(-count // self._rows))
        self._heaps = [(folder / f"heap-{number}").open("w+b") for number in heaps]
        self._offsets, self._lengths = np.zeros(count, np.int64), np.zeros(count, np.int64)

    def put(self, row: int, image: Prepared) -> None:
        """Store one image; rows come in any order."""
        heap = self._heaps[row // self._rows]
        self._offsets[row], self._lengths[row] = heap.tell(), len(image.encoded)
        heap.write(image.encoded)

    def keep(self, keep: npt.NDArray[np.bool_]) -> None:
        """Finish with only the rows of ``keep`` [N]; their order gives the image ids."""
        first_id = written = 0
        for number in range(len(self._heaps)):
            rows = np.flatnonzero(keep[number * self._rows : (number + 1) * self._rows]) + number * self._rows
            if len(rows):
                lengths = self._lengths[rows].tolist()
                path = shard_path(self._folder, written)
                write_shard(path, self._take(number, rows), first_id=first_id, lengths=lengths, format=self._format)
                first_id, written = first_id + len(rows), written + 1
            self._heaps[number].close()
            (self._folder / f"heap-{number}").unlink()

    def _take(self, number: int, rows: npt.NDArray[np.int64]) -> Iterator[bytes]:
        heap = self._heaps[number]
        for row in rows:
            heap.seek(self._offsets[row])
            yield heap.read(self._lengths[row])

    def close(self) -> None:
        """Close the heaps that :meth:`keep` has not processed."""
        for heap in self._heaps:
            heap.close()


Store = PixelStore | ShardStore
"""What takes images in; ``encoded`` says whether it takes their files instead of their pixels."""


@contextmanager
def pixel_store(folder: Path, count: int, format: ShardFormat) -> Iterator[PixelStore]:
    """Yield a store for ``count`` images; once finished, their pixels are the one file in ``folder``.

    Raises:
        ArtifactError: the disk has no room for all of it, or the folder cannot be written.
    """
    shape = (count, format.channels, format.image_size, format.image_size)
    with new_pixels(folder, shape) as pixels:
        yield PixelStore(pixels)
    for shard in folder.glob(PATTERN):
        shard.unlink()


@contextmanager
def shard_store(folder: Path, count: int, format: ShardFormat) -> Iterator[ShardStore]:
    """Yield a store for ``count`` images; once finished, their files are the shards in ``folder``.

    Meanwhile it needs twice the shards' room on the disk.

    Raises:
        ArtifactError: the disk is full, or the folder cannot be written.
    """
    new = folder / NEW
    try:
        shutil.rmtree(new, ignore_errors=True)  # left by a killed process
        new.mkdir(parents=True)
        store = ShardStore(new, count, format)
        try:
            yield store
        finally:
            store.close()
        for old in (folder / PIXELS, *folder.glob(PATTERN)):
            old.unlink(missing_ok=True)
        for shard in sorted(new.glob(PATTERN)):
            shard.replace(folder / shard.name)
    except OSError as error:
        raise ArtifactError(
            f"{folder}: cannot be written ({error.strerror or error}); "
            "free space or make the folder writable, then run the same command again"
        ) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
