"""Spectral clustering of the embeddings."""

import numpy as np
from jaxtyping import Float, Int64
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import SpectralClustering
from sklearn.neighbors import KNeighborsClassifier, kneighbors_graph
from threadpoolctl import threadpool_limits

from scan_core.errors import DataError

NEIGHBORS = 10
"""Each image is joined to so many nearest ones, or to twice as many, and so on, until the graph is in one piece."""
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
        DataError: fewer images to fit on than clusters.
    """
    if len(fit_ids) < clusters:
        raise DataError(f"spectral: {len(fit_ids)} training images, expected at least {clusters}; lower scan.clusters")
    random = np.random.default_rng(seed)
    fitted = np.sort(random.choice(fit_ids, most, replace=False)) if len(fit_ids) > most else fit_ids
    start = int(random.integers(2**31))
    with threadpool_limits(limits=1):
        graph = connected_graph(embeddings[fitted])
        model = SpectralClustering(clusters, affinity="precomputed", random_state=start, assign_labels="kmeans")
        found = model.fit_predict(graph)
        votes = KNeighborsClassifier(min(VOTES, len(fitted))).fit(embeddings[fitted], found)
        every = votes.predict(embeddings)
    every[fitted] = found
    return every.astype(np.int64)


def connected_graph(embeddings: Float[np.ndarray, "images dimensions"]) -> csr_matrix:
    """Join each image to its nearest neighbors, both ways: 1 where two name each other, 1/2 where one does."""
    count = NEIGHBORS
    while True:
        graph = kneighbors_graph(embeddings, min(count, len(embeddings)), include_self=True)
        graph = (graph + graph.T) / 2
        if count >= len(embeddings) or connected_components(graph, directed=False, return_labels=False) == 1:
            return graph
        count *= 2
