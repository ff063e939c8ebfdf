"""``data/artifacts/embeddings.npy``: float32 [N, D], L2-normalized, row = image_id."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from scan_core.artifacts.arrays import read_array
from scan_core.errors import ArtifactError


def embeddings_shape(path: Path) -> tuple[int, int]:
    """Return the number of rows and of dimensions, without reading the embeddings.

    Raises:
        ArtifactError: missing, or no array of two axes.
    """
    found = read_array(path, stage="embed", mmap_mode="r")
    if found.ndim != 2:
        raise ArtifactError(f"{path}: {found.dtype} {found.shape}, expected float32 [images, dimensions]")
    return len(found), found.shape[1]


def read_embeddings(path: Path, *, rows: int | None = None) -> npt.NDArray[np.float32]:
    """Read the embeddings [N, D]; ``rows`` is the expected N.

    Raises:
        ArtifactError: missing, another type or shape, not finite, or not of length 1.
    """
    embeddings = read_array(path, stage="embed")
    if embeddings.dtype != np.float32 or embeddings.ndim != 2:
        raise ArtifactError(f"{path}: {embeddings.dtype} {embeddings.shape}, expected float32 [images, dimensions]")
    if rows is not None and len(embeddings) != rows:
        raise ArtifactError(
            f"{path}: {len(embeddings)} rows, expected {rows} (one per image in data/artifacts/images); run dvc repro"
        )
    norms = np.sqrt(np.einsum("nd,nd->n", embeddings, embeddings))  # einsum needs no second array of this size
    wrong = np.flatnonzero(~(np.abs(norms - 1) < 1e-3))
    if len(wrong):
        raise ArtifactError(f"{path}: {len(wrong)} rows are not of length 1, row {wrong[0]} has {norms[wrong[0]]}")
    return embeddings


def read_embedding_norms(path: Path, *, rows: int) -> npt.NDArray[np.float32]:
    """Read the length of each of ``rows`` embeddings before normalization, [N].

    Raises:
        ArtifactError: missing, another type or shape, or not positive.
    """
    norms = read_array(path, stage="embed")
    if norms.dtype != np.float32 or norms.shape != (rows,):
        raise ArtifactError(f"{path}: {norms.dtype} {norms.shape}, expected float32 ({rows},); run dvc repro embed")
    wrong = np.flatnonzero(~(np.isfinite(norms) & (norms > 0)))
    if len(wrong):
        raise ArtifactError(f"{path}: row {wrong[0]} is {norms[wrong[0]]}, expected above 0; run dvc repro embed")
    return norms
