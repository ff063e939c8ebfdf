"""The surest pictures of each cluster: they tell clusters apart after another training, when numbers no longer do."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

MOST_MEMBERS = 200
"""Upper limit of a cluster's pictures that are listed."""
MOST_IN_ALL = 10_000
"""Upper limit of all clusters' pictures that are listed, or one of each."""


def surest_members(
    clusters: Int[np.ndarray, " images"],
    confidence: Float[np.ndarray, " images"],
    paths: Sequence[str],
    *,
    cluster_count: int,
) -> tuple[tuple[str, ...], ...]:
    """Return the paths of each cluster's most confident images, the surest first; of equal ones, the first."""
    most = max(1, min(MOST_MEMBERS, MOST_IN_ALL // cluster_count))
    order = np.argsort(-confidence, kind="stable")
    order = order[np.argsort(clusters[order], kind="stable")]
    ends = np.cumsum(np.bincount(clusters, minlength=cluster_count))[:-1]
    return tuple(tuple(paths[row] for row in rows[:most]) for rows in np.split(order, ends))
