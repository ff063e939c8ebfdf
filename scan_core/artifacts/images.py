"""``data/images/pixels.npy``: every image of the dataset, uint8 [N, C, H, W], row = image_id."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from scan_core.artifacts.atomic import atomic_path
from scan_core.errors import ArtifactError

PIXELS = "pixels.npy"


def write_pixels(folder: Path, pixels: npt.NDArray[np.uint8]) -> None:
    """Write ``pixels`` [N, C, H, W] to ``folder``."""
    with atomic_path(folder / PIXELS) as temporary, temporary.open("wb") as file:
        np.save(file, pixels, allow_pickle=False)


def read_pixels(folder: Path) -> npt.NDArray[np.uint8]:
    """Memory-map the images, [N, C, H, W] with H = W and C of 1 or 3.

    Raises:
        ArtifactError: missing, truncated, or of another type or shape.
    """
    path = folder / PIXELS
    try:
        pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; run the fetch stage (dvc repro fetch)") from None
    except (ValueError, OSError) as error:
        raise ArtifactError(f"{path}: not a readable NPY file ({error}); run dvc repro fetch") from error
    if (
        pixels.dtype != np.uint8
        or pixels.ndim != 4
        or pixels.shape[1] not in (1, 3)
        or pixels.shape[2] != pixels.shape[3]
    ):
        raise ArtifactError(f"{path}: {pixels.dtype} {pixels.shape}, expected uint8 [N, 1 or 3, size, size]")
    return pixels
