"""k-means, the clustering to compare with."""

import numpy as np
from jaxtyping import Float, Int
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from scan_core.errors import DataError

MOST_DISTANCES = 50_000_000
"""Images times clusters, of all starts together, in one round of Lloyd's algorithm."""


def starts(images: int, clusters: int, inits: int = 10) -> int:
    """How often k-means starts: ``inits`` times, or fewer, but once, where they would exceed ``MOST_DISTANCES``."""
    return max(1, min(inits, MOST_DISTANCES // (images * clusters)))


def kmeans(
    features: Float[np.ndarray, "images dimensions"],
    *,
    fit_ids: Int[np.ndarray, " fit"],
    clusters: int,
    seed: int,
    inits: int = 10,
) -> Int[np.ndarray, " images"]:
    """Fit k-means on the rows ``fit_ids`` and assign every row to its nearest center.

    The best of ``inits`` k-means++ starts by inertia (Lloyd; Arthur and Vassilvitskii 2007), or of fewer, see
    :func:`starts`: among 50,000 images from 101 clusters on. One thread, since the order in which threads add up their
    parts of a center differs from run to run.

    Raises:
        DataError: fewer rows to fit on than clusters.
    """
    if len(fit_ids) < clusters:
        raise DataError(f"k-means: {len(fit_ids)} training images, expected at least {clusters}; lower scan.clusters")
    with threadpool_limits(limits=1):
        model = KMeans(clusters, n_init=starts(len(fit_ids), clusters, inits), random_state=seed % 2**32).fit(
            features[fit_ids]
        )
        return model.predict(features).astype(np.int64)
