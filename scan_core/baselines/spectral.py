"""Spectral clustering of the embeddings."""

import numpy as np
from jaxtyping import Float, Int64
from sklearn.cluster import SpectralClustering
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from scan_core.errors import DataError

NEIGHBORS = 10
"""Each image is joined to so many nearest ones."""
MOST = 10_000
"""Largest number of images to fit on: the eigenvectors of more take too long."""
VOTES = 5
"""An image that was not fitted on gets the cluster of most of so many nearest ones that were."""


def spectral(
    embeddings: Float[np.ndarray, "images dimensions"],
    *,
    fit_ids: Int64[np.ndarray, " fit"],
    clusters: int,
    seed: int,
    most: int = MOST,
) -> Int64[np.ndarray, " images"]:
    """Return the cluster of each image: k-means on eigenvectors of the graph of nearest neighbors (Ng, Jordan and
    Weiss, 2001), as scikit-learn has it.

    Args:
        fit_ids: the images to fit on; of more than ``most``, so many drawn at random.

    Raises:
        DataError: no more images to fit on than clusters.
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
