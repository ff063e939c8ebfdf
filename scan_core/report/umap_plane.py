"""UMAP (McInnes et al., 2018): two dimensions in which near images stay near."""

import warnings

import numpy as np
from jaxtyping import Float32

from scan_core.console.progress import say
from scan_core.console.words import counted
from scan_core.neighbors.mine import mine_neighbors

NEIGHBORS = 15
"""Of each image, itself included, that should stay near it; UMAP's own choice."""
SEED = 0


def umap_plane(
    embeddings: Float32[np.ndarray, "images dimensions"], start: Float32[np.ndarray, "images 2"]
) -> Float32[np.ndarray, "images 2"]:
    """Move the images from ``start`` until neighbors by Euclidean distance lie together; one thread, a fixed seed.

    Args:
        embeddings: L2-normalized; of more images than :data:`NEIGHBORS`.

    Raises:
        ImportError: umap-learn, or something that it needs, is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that TensorFlow is missing, and that new images cannot be added
        from umap import UMAP

        say(f"UMAP arranges {counted(len(embeddings), 'image')} on a map")
        own = np.arange(len(embeddings))
        found = mine_neighbors(embeddings, own, k=NEIGHBORS - 1, gpus=()).neighbors
        nearest = (
            np.insert(found.neighbor_id, 0, own, axis=1).astype(np.int32),
            np.insert(np.sqrt(2 - 2 * found.similarity), 0, 0.0, axis=1),
        )  # found exactly: UMAP's own search compiles for longer than it takes
        model = UMAP(n_neighbors=NEIGHBORS, init=start, precomputed_knn=nearest, random_state=SEED, n_jobs=1)
        return np.asarray(model.fit_transform(embeddings), dtype=np.float32)
