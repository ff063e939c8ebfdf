"""Spectral clustering of the embeddings."""

import numpy as np
from jaxtyping import Float, Int64
from sklearn.cluster import SpectralClustering
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from scan_core.errors import DataError

NEIGHBORS = 10
"""Neighbors of each image in the graph."""
MOST = 10_000
"""Largest number of images to fit to: eigenvectors of larger graphs take too long."""
VOTES = 5
"""Number of nearest fitted images whose majority decides the cluster of an image that was not fitted."""


def spectral(
    embeddings: Float[np.ndarray, "images dimensions"],
    *,
    fit_ids: Int64[np.ndarray, " fit"],
    clusters: int,
    seed: int,
    most: int = MOST,
) -> Int64[np.ndarray, " images"]:
    """Return the cluster of each image, by scikit-learn's spectral clustering of the graph of nearest neighbors (Ng,
    Jordan and Weiss, 2001).

    Args:
        fit_ids: the images to fit to; if there are more than ``most``, ``most`` of them, drawn at random.

    Raises:
        DataError: not more images to fit to than clusters.
    """
    if len(fit_ids) <= clusters:
        raise DataError(f"spectral: {len(fit_ids)} training images, expected more than {clusters}; lower scan.clusters")
    random = np.random.default_rng(seed)
    fitted = np.sort(random.choice(fit_ids, most, replace=False)) if len(fit_ids) > most else fit_ids
    model = SpectralClustering(
        clusters,
        affinity="nearest_neighbors",
        n_neighbors=min(NEIGHBORS, len(fitted)),
        random_state=int(random.integers(2**31)),
    )
    with threadpool_limits(limits=1):
        found = model.fit_predict(embeddings[fitted])
        votes = KNeighborsClassifier(min(VOTES, len(fitted))).fit(embeddings[fitted], found)
        every = votes.predict(embeddings)
    every[fitted] = found
    return every.astype(np.int64)
