"""``data/artifacts/images/pixels.npy``: every image of the dataset, uint8 [N, C, H, W], row = image_id."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scan_core.artifacts.arrays import read_array
from scan_core.artifacts.atomic import atomic_path
from scan_core.errors import ArtifactError

PIXELS = "pixels.npy"


@contextmanager
def new_pixels(folder: Path, shape: tuple[int, int, int, int]) -> Iterator[np.memmap]:
    """Yield a memory-mapped array of ``shape`` [N, C, H, W], to be filled in any order, that becomes the file in
    ``folder``.

    Raises:
        ArtifactError: the disk has no room for all of it (checked at the start), or the folder cannot be written.
    """
    with atomic_path(folder / PIXELS) as temporary:
        pixels = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        _reserve(temporary)
        yield pixels


def keep_rows(pixels: np.memmap, keep: npt.NDArray[np.bool_]) -> None:
    """Remove the images that ``keep`` [N] leaves out from the file of ``pixels``; do not use ``pixels`` afterwards."""
    rows = np.flatnonzero(keep)
    for i in np.flatnonzero(rows != np.arange(len(rows))):
        pixels[i] = pixels[rows[i]]
    pixels.flush()
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(rows), *pixels.shape[1:])}
    with Path(str(pixels.filename)).open("r+b") as file:
        np.lib.format.write_array_header_1_0(file, header)  # the header keeps its length: NPY leaves room for any N
        file.truncate(pixels.offset + len(rows) * pixels[:1].nbytes)


def _reserve(path: Path) -> None:
    """Reserve the file's size on the disk: a memory-mapped file on a full disk kills the process."""
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def read_pixels(folder: Path) -> npt.NDArray[np.uint8]:
    """Memory-map the images (copy-on-write: the file never changes), [N, C, H, W] with H = W and C of 1 or 3.

    Raises:
        ArtifactError: missing, truncated, or of another type or shape.
    """
    path = folder / PIXELS
    pixels = read_array(path, stage="fetch", mmap_mode="c")
    if (
        pixels.dtype != np.uint8
        or pixels.ndim != 4
        or pixels.shape[1] not in (1, 3)
        or pixels.shape[2] != pixels.shape[3]
        or not pixels.size
    ):
        raise ArtifactError(f"{path}: {pixels.dtype} {pixels.shape}, expected uint8 [N, 1 or 3, size, size]")
    return pixels
