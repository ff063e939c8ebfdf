"""The best of several k-means, which a result has to beat."""

from collections.abc import Mapping
from typing import NamedTuple

CLUSTERED = {
    "kmeans": "the embeddings",
    "kmeans_raw": "the embeddings before they are normalized",
    "kmeans_scaled": "the standardized features",
    "kmeans_pixels": "the pixels",
}
"""The baselines that are k-means: name -> what they cluster."""


class BestKMeans(NamedTuple):
    """The k-means with the highest accuracy."""

    accuracy: float
    clustered: str

    def __str__(self) -> str:
        return f"k-means on {self.clustered}"


def best_kmeans(accuracies: Mapping[str, float]) -> BestKMeans | None:
    """Return the best of the baselines in ``CLUSTERED`` by their ``accuracies``, or None without any.

    Of equals, it is the first. Labels choose it, in favor of k-means.
    """
    found = [BestKMeans(accuracies[name], what) for name, what in CLUSTERED.items() if name in accuracies]
    return max(found, key=lambda best: best.accuracy, default=None)
