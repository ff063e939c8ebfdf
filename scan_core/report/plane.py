"""A map of the images: their embeddings in two dimensions."""

import base64

import numpy as np
from jaxtyping import Float32, Int
from sklearn.decomposition import PCA

from scan_core.report.map_table import Plane
from scan_core.report.umap_plane import NEIGHBORS, umap_plane

FIT_LIMIT = 20_000
"""Number of images that the axes are computed from; of more images, every n-th."""
UMAP_LIMIT = 60_000
"""Upper limit of the images for UMAP, which takes a minute or two on one core for so many."""
STEPS = 65_535


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


def packed(places: Float32[np.ndarray, "images 2"]) -> tuple[str, str]:
    """Return x and y as base64 of little-endian uint16, on one scale, so that distances keep their ratio."""
    lowest = places.min(axis=0)
    extent = max(float((places.max(axis=0) - lowest).max()), 1e-12)
    steps = np.rint((places - lowest) / extent * STEPS).astype("<u2")
    return encoded(steps[:, 0]), encoded(steps[:, 1])


def encoded(numbers: Int[np.ndarray, " images"] | np.ndarray) -> str:
    """Return whole numbers below 65,536 as base64 of little-endian uint16."""
    return base64.b64encode(np.asarray(numbers).astype("<u2").tobytes()).decode()
