"""How long mining and k-means take: on some synthetic embeddings, scaled to all."""

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from scan_core.baselines.kmeans import at_once, starts
from scan_core.baselines.pixel_features import COMPONENTS
from scan_core.neighbors.mine import mine_neighbors

ROWS = 4096
FIRST = 256
"""Rows of a search whose time does not count: it loads libraries."""
ROUNDS = 100
"""Of k-means until it stands still: 32 to 198 for 20,000 and 40,000 embeddings of CIFAR-10 in 10 clusters."""


def measure_mining(images: int, *, dimensions: int, k: int, gpus: Sequence[int]) -> float:
    """Seconds to compare two embeddings: exact mining of M takes M squared times that."""
    rows = min(images, ROWS)
    embeddings, ids = _embeddings(rows, dimensions), np.arange(rows)
    mine_neighbors(embeddings[:FIRST], ids[:FIRST], k=1, gpus=gpus)
    return _seconds(lambda: mine_neighbors(embeddings, ids, k=min(k, rows - 1), gpus=gpus)) / rows**2


def measure_kmeans(images: int, *, dimensions: int, clusters: int, workers: int) -> float:
    """Seconds for each of M images to cluster all by their embeddings, the same unnormalized, and their pixels.

    Rounds of one start, with so many clusters that each has eight rows if ``clusters`` are more, scaled to these.
    """
    rows = min(images, ROWS)
    some = min(clusters, max(2, rows // 8))
    count = starts(images, clusters)
    seconds = 0.0
    for width, methods in ((dimensions, 2), (COMPONENTS, 1)):
        waves = math.ceil(count / at_once(count, feature_bytes=4 * images * width, workers=workers))
        seconds += methods * waves * ROUNDS * _round_of_kmeans(_embeddings(rows, width), some)
    return seconds * clusters / some / rows


def _round_of_kmeans(rows: npt.NDArray[np.float32], clusters: int) -> float:
    """Seconds of one, on one thread."""
    with threadpool_limits(limits=1):
        model = KMeans(clusters, n_init=1, random_state=0)
        return _seconds(lambda: model.fit(rows)) / model.n_iter_


def _embeddings(rows: int, dimensions: int) -> npt.NDArray[np.float32]:
    """Unit vectors around a few directions."""
    generator = np.random.Generator(np.random.PCG64(0))
    centers = generator.normal(size=(32, dimensions))
    points = centers[generator.integers(0, 32, rows)] + generator.normal(size=(rows, dimensions))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def _seconds(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started
