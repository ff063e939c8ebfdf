"""Give the names of one model's clusters to those of another, by the pictures that they share."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from scan_core.errors import DataError
from scan_core.naming.names import Names

LEAST_SHARE = 0.1
"""A name goes along with at least this share of an old cluster's listed pictures."""


class Move(NamedTuple):
    """Where listed pictures of an old cluster are now."""

    old: int
    new: int
    share: float
    """Of the old cluster's listed pictures that are still there, in (0, 1]."""


class CarriedOver(NamedTuple):
    """What became of the names."""

    names: tuple[str, ...]
    """Of each new cluster."""
    support: tuple[float, ...]
    """Of each new cluster: the share of the listed pictures in it that had its name; 0 without a name."""
    moves: tuple[Move, ...]
    """By old cluster, the largest share first; shares below :data:`LEAST_SHARE` are left out."""
    known: int
    """So many of the listed pictures are among the present ones."""
    listed: int


def carry_over(old: Names, clusters: Mapping[str, int], *, cluster_count: int) -> CarriedOver:
    """Give each new cluster the name that more than half of the listed pictures in it had.

    Pictures of old clusters without a name count as well. A name also needs a tenth of the listed pictures of one old
    cluster. So parts of a split cluster share its name, and two that are one now have the name of the larger.

    Args:
        clusters: path -> new cluster.

    Raises:
        DataError: no picture is listed, or none of them is among the present ones.
    """
    counts = np.zeros((len(old.names), cluster_count), np.int64)
    for cluster, members in enumerate(old.members):
        for path in members:
            if path in clusters:
                counts[cluster, clusters[path]] += 1
    listed = sum(map(len, old.members))
    if not listed:
        raise DataError("no members are listed, by which clusters are known again")
    if not counts.any():
        raise DataError(f"none of the {listed:,} pictures that the names list is among the present ones")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    named = [_name(old.names, counts[:, new], shares[:, new]) for new in range(cluster_count)]
    moves = [
        Move(cluster, int(new), float(shares[cluster, new]))
        for cluster in range(len(old.names))
        for new in np.argsort(-shares[cluster], kind="stable")
        if shares[cluster, new] >= LEAST_SHARE
    ]
    names, support = zip(*named, strict=True)
    return CarriedOver(names, support, tuple(moves), int(counts.sum()), listed)


def _name(names: tuple[str, ...], counts: np.ndarray, shares: np.ndarray) -> tuple[str, float]:
    """The name of one new cluster, and its support."""
    for name in dict.fromkeys(filter(None, names)):
        clusters = [cluster for cluster, one in enumerate(names) if one == name]
        support = counts[clusters].sum() / max(1, counts.sum())
        if support > 0.5 and shares[clusters].max() >= LEAST_SHARE:
            return name, float(support)
    return "", 0.0
