"""``data/artifacts/features.npy``: float32 [N, D], what the encoder says of each image as it is, row = image_id."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from scan_core.artifacts.arrays import read_array, write_array
from scan_core.errors import ArtifactError


def write_features(path: Path, features: npt.NDArray[np.float32]) -> None:
    """Write ``features`` [N, D].

    Raises:
        ArtifactError: one is not finite, or the file cannot be written.
    """
    if not np.isfinite(features).all():
        raise ArtifactError(f"{path}: the encoder's features are not finite; train the pretext task anew")
    write_array(path, features)


def read_features(path: Path, *, rows: int) -> npt.NDArray[np.float32]:
    """Open the features of ``rows`` images, memory-mapped; they are finite, which is checked when they are written.

    Raises:
        ArtifactError: missing, or another type or shape.
    """
    features = read_array(path, stage="embed", mmap_mode="r")
    if features.dtype != np.float32 or features.ndim != 2 or len(features) != rows:
        raise ArtifactError(
            f"{path}: {features.dtype} {features.shape}, expected float32 [{rows}, dimensions] (a row per image in "
            "data/artifacts/images); run dvc repro embed"
        )
    return features
