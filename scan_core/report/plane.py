"""A map of the images: their embeddings in two dimensions."""

import base64
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Float32, Int
from sklearn.decomposition import PCA

from scan_core.artifacts.tables import write_table

FIT_LIMIT = 20_000
"""Number of images that the axes are computed from; of more images, every n-th."""
STEPS = 65_535


def plane(embeddings: Float32[np.ndarray, "images dimensions"]) -> Float32[np.ndarray, "images 2"]:
    """Project the embeddings on their two leading principal components; zeros for a single image or dimension."""
    if min(embeddings.shape) < 2:
        return np.zeros((len(embeddings), 2), dtype=np.float32)
    model = PCA(2, svd_solver="covariance_eigh").fit(embeddings[:: -(-len(embeddings) // FIT_LIMIT)])
    return np.asarray(model.transform(embeddings), dtype=np.float32)


def write_map(
    path: Path,
    places: Float32[np.ndarray, "images 2"],
    clusters: Int[np.ndarray, " images"],
    confidence: Float[np.ndarray, " images"],
    names: Sequence[str],
    paths: Sequence[str],
) -> None:
    """Write one row per image: ``x``, ``y``, ``cluster``, ``name``, ``confidence``, ``path``.

    Args:
        names: of each cluster.
        paths: the origin of each image.
    """
    columns = {
        "x": places[:, 0],
        "y": places[:, 1],
        "cluster": clusters.astype(np.int32),
        "name": [names[cluster] for cluster in clusters],
        "confidence": confidence.astype(np.float32),
        "path": list(paths),
    }
    write_table(path, pa.table(columns))


def packed(places: Float32[np.ndarray, "images 2"]) -> tuple[str, str]:
    """Return x and y as base64 of little-endian uint16, on one scale, so that distances keep their ratio."""
    lowest = places.min(axis=0)
    extent = max(float((places.max(axis=0) - lowest).max()), 1e-12)
    steps = np.rint((places - lowest) / extent * STEPS).astype("<u2")
    return encoded(steps[:, 0]), encoded(steps[:, 1])


def encoded(numbers: Int[np.ndarray, " images"] | np.ndarray) -> str:
    """Return whole numbers below 65,536 as base64 of little-endian uint16."""
    return base64.b64encode(np.asarray(numbers).astype("<u2").tobytes()).decode()
