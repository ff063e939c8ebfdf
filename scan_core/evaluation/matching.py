"""Match clusters to classes by the labels; only for scores, never for training."""

import numpy as np
from jaxtyping import Int
from scipy.optimize import linear_sum_assignment

UNMATCHED = -1
"""The class of an unmatched cluster: no label equals it, so its images count as wrong."""


def contingency(
    clusters: Int[np.ndarray, " images"],
    labels: Int[np.ndarray, " images"],
    *,
    cluster_count: int,
    class_count: int,
) -> Int[np.ndarray, "clusters classes"]:
    """Count the images of each cluster and class.

    Raises:
        ValueError: a cluster outside 0..cluster_count-1 or a label outside 0..class_count-1.
    """
    for name, values, count in (("clusters", clusters, cluster_count), ("labels", labels, class_count)):
        if len(values) and not 0 <= values.min() <= values.max() < count:
            raise ValueError(f"{name}: found {values.min()} to {values.max()}, expected 0 to {count - 1}")
    pairs = clusters.astype(np.int64) * class_count + labels
    return np.bincount(pairs, minlength=cluster_count * class_count).reshape(cluster_count, class_count)


def one_to_one(table: Int[np.ndarray, "clusters classes"]) -> Int[np.ndarray, " clusters"]:
    """Match classes and clusters one-to-one, so that most images are correct (Kuhn 1955, the Hungarian method).

    Returns the class of each cluster; with more clusters than classes, the remaining ones are ``UNMATCHED``.
    """
    mapping = np.full(len(table), UNMATCHED, dtype=np.int64)
    clusters, classes = linear_sum_assignment(table, maximize=True)
    mapping[clusters] = classes
    return mapping


def majority(table: Int[np.ndarray, "clusters classes"]) -> Int[np.ndarray, " clusters"]:
    """Give each cluster its most frequent class, many-to-one, as for overclustering (SCAN, Table 3).

    The lower class wins a tie; an empty cluster is ``UNMATCHED``.
    """
    return np.where(table.any(axis=1), table.argmax(axis=1), UNMATCHED)
