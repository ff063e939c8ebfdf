"""k-means, the clustering to compare with."""

import numpy as np
from jaxtyping import Float, Int
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from scan_core.errors import DataError
from scan_core.parallel.threads import ordered_map

MOST_DISTANCES = 50_000_000
"""Images times clusters, of all starts together, in one round of Lloyd's algorithm."""

MOST_BYTES = 2**30
"""Of the features' copies, but of one in any case: each start that runs has its own."""


def starts(images: int, clusters: int, inits: int = 10) -> int:
    """How often k-means starts: ``inits`` times, or fewer, but once, where they would exceed ``MOST_DISTANCES``."""
    return max(1, min(inits, MOST_DISTANCES // (images * clusters)))


def at_once(count: int, *, feature_bytes: int, workers: int) -> int:
    """How many of ``count`` starts run beside each other, on features of so many bytes."""
    return max(1, min(count, workers, MOST_BYTES // feature_bytes))


def kmeans(
    features: Float[np.ndarray, "images dimensions"],
    *,
    fit_ids: Int[np.ndarray, " fit"],
    clusters: int,
    seed: int,
    inits: int = 10,
    workers: int = 1,
) -> Int[np.ndarray, " images"]:
    """Fit k-means on the rows ``fit_ids`` and assign every row to its nearest center.

    The best of ``inits`` k-means++ starts by inertia (Lloyd; Arthur and Vassilvitskii 2007), or of fewer, see
    :func:`starts`: among 50,000 images from 101 clusters on. A start has one thread, since the order in which threads
    add up their parts of a center differs from run to run.

    Args:
        workers: so many starts at a time, without effect on the result.

    Raises:
        DataError: fewer rows to fit on than clusters.
    """
    if len(fit_ids) < clusters:
        raise DataError(f"k-means: {len(fit_ids)} training images, expected at least {clusters}; lower scan.clusters")
    rows = features[fit_ids]
    seeds = np.random.SeedSequence(seed).generate_state(starts(len(rows), clusters, inits))

    def fit(start: int) -> KMeans:
        with threadpool_limits(limits=1, user_api="openmp"):  # counts for the calling thread alone
            return KMeans(clusters, n_init=1, random_state=start).fit(rows)

    with threadpool_limits(limits=1):
        threads = at_once(len(seeds), feature_bytes=rows.nbytes, workers=workers)
        models = ordered_map(fit, map(int, seeds), chunk=1, workers=threads)
        best = min(models, key=lambda model: model.inertia_)  # of equal ones the first
        return best.predict(features).astype(np.int64)
