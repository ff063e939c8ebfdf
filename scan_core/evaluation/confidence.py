"""How confident a model is, and how accurate its confident predictions are."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int


class Certainty(NamedTuple):
    """Metrics of one model's predictions that need no labels."""

    confidence: float
    """Mean probability of the chosen cluster, in [1/C, 1]."""
    entropy: float
    """Entropy of the mean prediction in nats, in [0, log C]; log C if clusters are equally large."""
    clusters_used: int
    """Number of clusters that hold an image, at most C."""


def certainty(probabilities: Float[np.ndarray, "images clusters"]) -> Certainty:
    """Summarize predictions (rows sum to 1, at least one row)."""
    mean = probabilities.mean(axis=0, dtype=np.float64)
    positive = mean[mean > 0]
    return Certainty(
        confidence=float(probabilities.max(axis=1).mean(dtype=np.float64)),
        entropy=float(-(positive * np.log(positive)).sum()),
        clusters_used=len(np.unique(probabilities.argmax(axis=1))),
    )


def cluster_sizes(clusters: Int[np.ndarray, " images"], *, cluster_count: int) -> Int[np.ndarray, " clusters"]:
    """Count the images of each cluster."""
    return np.bincount(clusters, minlength=cluster_count)


class ConfidenceCurve(NamedTuple):
    """Accuracy on the most confident images, for several thresholds in descending order."""

    threshold: Float[np.ndarray, " thresholds"]
    """Lowest accepted confidence."""
    coverage: Float[np.ndarray, " thresholds"]
    """Share of accepted images, in (0, 1], rising to 1."""
    accuracy: Float[np.ndarray, " thresholds"] | None
    """Share of correct images among them, in [0, 1]; None without labels."""


def confidence_curve(
    confidence: Float[np.ndarray, " images"],
    correct: Bool[np.ndarray, " images"] | None,
    *,
    bins: int = 20,
) -> ConfidenceCurve:
    """Accept the most confident 1/bins, 2/bins, ... of the images.

    All images that tie with a threshold are accepted, so there may be fewer than ``bins`` thresholds.
    """
    count = len(confidence)
    falling = -np.sort(-confidence)
    cuts = np.unique(np.ceil(np.arange(1, bins + 1) * count / bins).astype(np.int64))
    threshold = np.unique(falling[cuts - 1])[::-1]
    accepted = np.searchsorted(-falling, -threshold, side="right")
    accuracy = None
    if correct is not None:
        right = np.cumsum(correct[np.argsort(-confidence, kind="stable")])
        accuracy = right[accepted - 1] / accepted
    return ConfidenceCurve(threshold, accepted / count, accuracy)
