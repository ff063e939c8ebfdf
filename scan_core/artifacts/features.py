"""``data/artifacts/features.npy``: float32 [N, D], what the encoder says of each image as it is, row = image_id."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from scan_core.artifacts.atomic import atomic_path
from scan_core.artifacts.embeddings import load_array
from scan_core.errors import ArtifactError


def write_features(path: Path, features: npt.NDArray[np.float32]) -> None:
    """Write ``features`` [N, D].

    Raises:
        ArtifactError: one is not finite, or the file cannot be written.
    """
    if not np.isfinite(features).all():
        raise ArtifactError(f"{path}: the encoder's features are not finite; train the pretext task anew")
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, features, allow_pickle=False)


def read_features(path: Path, *, rows: int) -> npt.NDArray[np.float32]:
    """Open the features of ``rows`` images, memory-mapped; they are finite, which is checked when they are written.

    Raises:
        ArtifactError: missing, or another type or shape.
    """
    features = load_array(path, mmap_mode="r")
    if features.dtype != np.float32 or features.ndim != 2 or len(features) != rows:
        raise ArtifactError(
            f"{path}: {features.dtype} {features.shape}, expected float32 [{rows}, dimensions] (a row per image in "
            "data/artifacts/images); run dvc repro embed"
        )
    return features
