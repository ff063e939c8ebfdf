"""A map of the images: their embeddings in two dimensions."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Float32, Int
from sklearn.decomposition import PCA

from scan_core.artifacts.tables import read_table, write_table
from scan_core.errors import ArtifactError
from scan_core.report.umap_plane import NEIGHBORS, umap_plane

FIT_LIMIT = 20_000
"""Number of images that the axes are computed from; of more images, every n-th."""
UMAP_LIMIT = 60_000
"""Upper limit of the images for UMAP, which takes a minute or two on one core for so many."""
STEPS = 65_535
SCHEMA = pa.schema(
    {
        "x": pa.float32(),
        "y": pa.float32(),
        "cluster": pa.int32(),
        "name": pa.string(),
        "confidence": pa.float32(),
        "path": pa.string(),
    }
)


class Plane(NamedTuple):
    """Where each image lies."""

    places: Float32[np.ndarray, "images 2"]
    projection: str
    """``umap`` or ``pca``."""
    reason: str = ""
    """Why it is not the one asked for."""


def plane(embeddings: Float32[np.ndarray, "images dimensions"], *, projection: str) -> Plane:
    """Project the embeddings by ``projection``; equal embeddings give equal places.

    UMAP needs 16 to 60,000 images, and umap-learn; without any of these, the projection is PCA.
    """
    principal, count = principal_plane(embeddings), len(embeddings)
    if projection == "pca":
        return Plane(principal, "pca")
    if not NEIGHBORS < count <= UMAP_LIMIT:
        return Plane(principal, "pca", f"UMAP takes {NEIGHBORS + 1} to {UMAP_LIMIT:,} pictures, and here are {count:,}")
    try:
        return Plane(umap_plane(embeddings, principal), "umap")
    except Exception as error:  # the map is worth no failed run
        return Plane(principal, "pca", f"UMAP failed ({type(error).__name__}: {error})")


def principal_plane(embeddings: Float32[np.ndarray, "images dimensions"]) -> Float32[np.ndarray, "images 2"]:
    """Project the embeddings on their two leading principal components; zeros for a single image or dimension."""
    if min(embeddings.shape) < 2:
        return np.zeros((len(embeddings), 2), dtype=np.float32)
    model = PCA(2, svd_solver="covariance_eigh").fit(embeddings[:: -(-len(embeddings) // FIT_LIMIT)])
    return np.asarray(model.transform(embeddings), dtype=np.float32)


def write_map(
    path: Path,
    plane: Plane,
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
    values = [
        *plane.places.T,
        clusters.astype(np.int32),
        [names[cluster] for cluster in clusters],
        confidence.astype(np.float32),
        list(paths),
    ]
    metadata = {"projection": plane.projection, "reason": plane.reason}
    write_table(path, pa.table(values, schema=SCHEMA), metadata=metadata)


def read_map(path: Path, *, rows: int) -> Plane:
    """Read the places that :func:`write_map` wrote.

    Raises:
        ArtifactError: no such table, or not of ``rows`` images.
    """
    table = read_table(path, SCHEMA)
    if len(table) != rows:
        raise ArtifactError(f"{path}: {len(table)} rows, expected {rows} (one per evaluated image); run dvc repro")
    places = np.stack([table["x"].to_numpy(), table["y"].to_numpy()], axis=1)
    known = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    return Plane(places, known.get("projection", "pca"), known.get("reason", ""))


def packed(places: Float32[np.ndarray, "images 2"]) -> tuple[str, str]:
    """Return x and y as base64 of little-endian uint16, on one scale, so that distances keep their ratio."""
    lowest = places.min(axis=0)
    extent = max(float((places.max(axis=0) - lowest).max()), 1e-12)
    steps = np.rint((places - lowest) / extent * STEPS).astype("<u2")
    return encoded(steps[:, 0]), encoded(steps[:, 1])


def encoded(numbers: Int[np.ndarray, " images"] | np.ndarray) -> str:
    """Return whole numbers below 65,536 as base64 of little-endian uint16."""
    return base64.b64encode(np.asarray(numbers).astype("<u2").tobytes()).decode()
