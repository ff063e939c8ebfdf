"""Counting the images from which self-labeling learns, and what it reports of an epoch."""

from collections.abc import Callable, Mapping, Sequence

from jaxtyping import Float, Int64
from torch import Tensor

from scan_core.errors import TrainingError


def count_confident(logits: Float[Tensor, "images clusters"], *, threshold: float) -> Int64[Tensor, " clusters"]:
    """How many images each cluster gets with a probability above ``threshold``."""
    confidence, cluster = logits.softmax(-1).max(-1)
    return cluster[confidence > threshold].bincount(minlength=logits.shape[-1])


def self_label_metrics(
    averages: Mapping[str, float], confident: Callable[[], Int64[Tensor, " clusters"]], *, threshold: float
) -> dict[str, float]:
    """What to report of an epoch of self-labeling.

    Args:
        averages: over its steps, ``loss``, ``active`` and ``confident_share`` among them.
        confident: counts the confident training images after it.

    Raises:
        TrainingError: no image of a whole epoch was confident.
    """
    if averages["confident_share"] == 0:
        raise TrainingError(
            f"no image is assigned with a probability above {threshold}; "
            "lower self_label.threshold, or train the SCAN step longer (scan.epochs)"
        )
    counts = confident()
    return {
        **averages,
        "loss": averages["loss"] / averages["active"],
        "confident": float(counts.sum()),
        "confident_clusters": float((counts > 0).sum()),
        "confident_smallest_cluster": float(counts.min()),
        "confident_largest_cluster": float(counts.max()),
    }


def check_spread(clusters: Sequence[float]) -> None:
    """Check that the confident images have not gone to one cluster: what is lost gets no pseudo-labels any more.

    Args:
        clusters: how many held a confident image, after each epoch.

    Raises:
        TrainingError: now one, and several before.
    """
    if clusters and clusters[-1] == 1 < max(clusters):
        raise TrainingError(
            f"self_label: after epoch {len(clusters)} all confident images are in one cluster, before in up to "
            f"{max(clusters):.0f}; lower self_label.learning_rate or raise self_label.batch_size, or stop before, by "
            "self_label.epochs"
        )
