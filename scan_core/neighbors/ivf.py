"""Approximate nearest neighbors for very many images: faiss's inverted lists."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from scan_core.neighbors.found import Found, Points, Queries, Search
from scan_core.neighbors.others import others
from scan_core.neighbors.search import exact_search, on_gpus

LEAST_RECALL = 0.95
SAMPLE = 1000
"""Number of queries by which recall is measured."""
LEAST_PER_LIST, TRAINING_PER_LIST = 39, 64
"""The smallest number of points per list, and the number of points per list from which centers are learned."""


class Approximation(NamedTuple):
    """The settings of an approximate search, and its recall."""

    lists: int
    probed: int
    """Number of lists that a query is compared with."""
    recall: float
    """Share of the exact nearest neighbors that are found, on a sample of the images; in [0, 1]."""


def lists_of(points: int) -> int:
    """Return the number of lists, of the order of the square root, which balances finding and visiting lists."""
    return max(1, min(4 * math.isqrt(points), points // LEAST_PER_LIST))


def ivf_search(points: Points, *, k: int, gpus: Sequence[int]) -> tuple[Search, Approximation]:
    """Compare each query only with the points around the nearest centers (Sivic and Zisserman 2003).

    k-means of a sample gives the centers. The number of lists that a query visits doubles until the recall of ``k``
    neighbors, measured on SAMPLE points, reaches LEAST_RECALL.

    Raises:
        ImportError: faiss is missing.
    """
    import faiss

    lists = lists_of(len(points))
    quantizer = faiss.IndexFlatIP(points.shape[1])
    index = faiss.IndexIVFFlat(quantizer, points.shape[1], lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.max_points_per_centroid = TRAINING_PER_LIST
    index.train(points)
    index.add(points)

    exact = exact_search(points, gpus=gpus)
    index.nprobe, recall = _enough_lists(index, exact, points, k)
    approximate = on_gpus(index, gpus) if gpus and faiss.get_num_gpus() else _on_cpu(index)

    def search(queries: Queries, count: int) -> Found:
        found = approximate(queries, count)
        short = (found.row < 0).any(axis=1)  # the visited lists hold fewer points than requested
        if short.any():
            found.similarity[short], found.row[short] = exact(queries[short], count)
        return found

    return search, Approximation(lists, index.nprobe, recall)


def _on_cpu(index: Any) -> Search:
    return lambda queries, k: Found(*index.search(queries, k))


def _enough_lists(index: Any, exact: Search, points: Points, k: int) -> tuple[int, float]:
    """Return the number of lists to visit for enough recall, and that recall."""
    sample = np.sort(np.random.default_rng(0).choice(len(points), min(SAMPLE, len(points)), replace=False))
    expected = others(exact(points[sample], k + 1), sample).row
    probed = 1
    while True:
        index.nprobe = probed
        found = others(_on_cpu(index)(points[sample], k + 1), sample).row
        recall = float(np.mean([np.isin(a, b).mean() for a, b in zip(expected, found, strict=True)]))
        if recall >= LEAST_RECALL or probed == index.nlist:
            return probed, recall
        probed = min(2 * probed, index.nlist)
