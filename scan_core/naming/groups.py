"""Clusters of the same name count as one."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

from scan_core.naming.names import JUNK


class Groups(NamedTuple):
    """The clusters by name; a cluster without a name is a group of its own."""

    names: tuple[str, ...]
    """Of each group, in the order of their first clusters; ``cluster 3`` where no name was given."""
    of_cluster: Int64[np.ndarray, " clusters"]
    """The group of each cluster."""
    junk: int | None
    """The group that is set aside, if there is one."""


class Ranked(NamedTuple):
    """The most probable groups of each image, the most probable first."""

    group: Int64[np.ndarray, "images most"]
    cluster: Int64[np.ndarray, "images most"]
    """The most probable cluster in that group."""
    confidence: Float32[np.ndarray, "images most"]
    """The group's probability: the sum of its clusters'."""


def groups(names: Sequence[str]) -> Groups:
    """Group the clusters by name.

    Args:
        names: of each cluster; empty for one without a name.
    """
    titles = [name or f"cluster {cluster}" for cluster, name in enumerate(names)]
    keys = [(name, -1) if name else ("", cluster) for cluster, name in enumerate(names)]
    order = list(dict.fromkeys(keys))
    of_cluster = np.array([order.index(key) for key in keys], np.int64)
    first = [keys.index(key) for key in order]
    junk = order.index((JUNK, -1)) if (JUNK, -1) in order else None
    return Groups(tuple(titles[cluster] for cluster in first), of_cluster, junk)


def ranked(probabilities: Float32[np.ndarray, "images clusters"], grouped: Groups, *, most: int) -> Ranked:
    """Return the ``most`` probable groups of each image (all groups where there are fewer)."""
    count = len(grouped.names)
    sums = np.zeros((len(probabilities), count), np.float64)
    np.add.at(sums.T, grouped.of_cluster, probabilities.T)
    group = np.argsort(-sums, axis=1, kind="stable")[:, : min(most, count)]
    confidence = np.take_along_axis(sums, group, axis=1).astype(np.float32)
    cluster = np.empty_like(group)
    for number in range(count):
        clusters = np.flatnonzero(grouped.of_cluster == number)
        best = clusters[probabilities[:, clusters].argmax(axis=1)]
        rows, columns = np.nonzero(group == number)
        cluster[rows, columns] = best[rows]
    return Ranked(group, cluster, confidence)
