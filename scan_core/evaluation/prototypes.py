"""Find the most typical images of each cluster, and the images with the lowest confidence."""

import numpy as np
from jaxtyping import Float, Int


def prototypes(
    embeddings: Float[np.ndarray, "images dimensions"],
    clusters: Int[np.ndarray, " images"],
    confidence: Float[np.ndarray, " images"],
    *,
    cluster_count: int,
    count: int,
    averaged: int = 10,
) -> list[Int[np.ndarray, " shown"]]:
    """Rank each cluster's images by closeness to the mean of its most confident ones (SCAN, Figure 3).

    Args:
        embeddings: L2-normalized.
        count: upper limit of images per cluster.
        averaged: upper limit of images in the mean.

    Returns:
        For each cluster, the rows of its images, the most typical first, copies last (see :func:`copies_last`); fewer
        than ``count`` if the cluster is smaller.
    """
    ranked = []
    for cluster in range(cluster_count):
        members = np.flatnonzero(clusters == cluster)
        surest = members[np.argsort(-confidence[members], kind="stable")[:averaged]]
        closeness = embeddings[members] @ embeddings[surest].sum(axis=0)
        ranked.append(copies_last(members[np.argsort(-closeness, kind="stable")], embeddings, count=count))
    return ranked


def copies_last(
    rows: Int[np.ndarray, " rows"], embeddings: Float[np.ndarray, "images dimensions"], *, count: int
) -> Int[np.ndarray, " shown"]:
    """Return the first ``count`` of ``rows``; a copy of an image before it is taken only if there are too few others.

    Images whose embeddings have the same bytes count as copies. Those that are taken come last, in their order.
    """
    seen, different, copies = set[bytes](), list[np.int64](), list[np.int64]()
    for row in rows:
        if len(different) == count:
            break
        embedding = embeddings[row].tobytes()
        (copies if embedding in seen else different).append(row)
        seen.add(embedding)
    return np.array([*different, *copies][:count], dtype=rows.dtype)


def least_confident(confidence: Float[np.ndarray, " images"], *, count: int) -> Int[np.ndarray, " shown"]:
    """Return the rows of the ``count`` images with the lowest confidence, the lowest first."""
    return np.argsort(confidence, kind="stable")[:count]
