"""The best of several k-means, which a result has to beat."""

from collections.abc import Mapping
from typing import NamedTuple

KMEANS = {
    "kmeans": "the embeddings",
    "kmeans_raw": "the embeddings as the encoder gives them",
    "kmeans_scaled": "the standardized features",
    "kmeans_pixels": "the pixels",
}
"""The baselines that are k-means: name -> what they cluster."""


class Best(NamedTuple):
    """The k-means with the highest accuracy."""

    accuracy: float
    of: str
    """What it has clustered."""

    def __str__(self) -> str:
        return f"k-means on {self.of}"


def best_kmeans(accuracies: Mapping[str, float]) -> Best | None:
    """Return the best of the baselines in ``KMEANS`` by their ``accuracies``; of equals, the first. None without any.

    Labels choose it, in favor of k-means.
    """
    found = [Best(accuracies[name], of) for name, of in KMEANS.items() if name in accuracies]
    return max(found, key=lambda best: best.accuracy, default=None)
