"""Clusters of the same name count as one."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

from scan_core.naming.names import JUNK

AT_ONCE = 4096
"""Images that are ranked together, so that a million of them fit into memory."""


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
    first: dict[tuple[str, int], int] = {}
    for cluster, key in enumerate(keys):
        first.setdefault(key, cluster)
    number = {key: group for group, key in enumerate(first)}
    of_cluster = np.array([number[key] for key in keys], np.int64)
    return Groups(tuple(titles[cluster] for cluster in first.values()), of_cluster, number.get((JUNK, -1)))


def ranked(probabilities: Float32[np.ndarray, "images clusters"], grouped: Groups, *, most: int) -> Ranked:
    """Return the ``most`` probable groups of each image (all groups where there are fewer); of equal ones, the first.

    This is the only rule by which a picture belongs to a name: clusters of one name are one class, whose probability
    is the sum of theirs. So a picture between two of them may belong to their name, although a third cluster is more
    probable than either.
    """
    starts = range(0, max(1, len(probabilities)), AT_ONCE)
    parts = [_ranked(probabilities[start : start + AT_ONCE], grouped, most) for start in starts]
    return Ranked(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _ranked(probabilities: Float32[np.ndarray, "images clusters"], grouped: Groups, most: int) -> Ranked:
    by_group = np.argsort(grouped.of_cluster, kind="stable")
    starts = np.searchsorted(grouped.of_cluster[by_group], np.arange(len(grouped.names)))
    sums = np.add.reduceat(probabilities[:, by_group], starts, axis=1, dtype=np.float64)
    rows, found = np.arange(len(sums)), []
    for _ in range(min(most, len(starts))):
        group = sums.argmax(axis=1)
        inside = grouped.of_cluster == group[:, None]
        cluster = np.where(inside, probabilities, -1).argmax(axis=1)
        found.append((group, cluster, sums[rows, group].astype(np.float32)))
        sums[rows, group] = -1
    return Ranked(*(np.stack(column, axis=1) for column in zip(*found, strict=True)))
