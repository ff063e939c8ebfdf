"""k-means, the clustering to compare with."""

import numpy as np
from jaxtyping import Float, Int
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from scan_core.errors import DataError

MOST_DISTANCES = 50_000_000
"""Images times clusters, of all starts together, in one round of Lloyd's algorithm."""


def kmeans(
    features: Float[np.ndarray, "images dimensions"],
    *,
    fit_ids: Int[np.ndarray, " fit"],
    clusters: int,
    seed: int,
    inits: int = 10,
) -> Int[np.ndarray, " images"]:
    """Fit k-means on the rows ``fit_ids`` and assign every row to its nearest center.

    The best of ``inits`` k-means++ starts by inertia (Lloyd; Arthur and Vassilvitskii 2007); of fewer, but at least
    one, where they would exceed ``MOST_DISTANCES``: among 50,000 images from 101 clusters on. One thread, since the
    order in which threads add up their parts of a center differs from run to run.

    Raises:
        DataError: fewer rows to fit on than clusters.
    """
    if len(fit_ids) < clusters:
        raise DataError(f"k-means: {len(fit_ids)} training images, expected at least {clusters}; lower scan.clusters")
    starts = max(1, min(inits, MOST_DISTANCES // (len(fit_ids) * clusters)))
    with threadpool_limits(limits=1):
        model = KMeans(clusters, n_init=starts, random_state=seed % 2**32).fit(features[fit_ids])
        return model.predict(features).astype(np.int64)
