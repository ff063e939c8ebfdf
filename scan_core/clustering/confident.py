"""Counting the images from which self-labeling learns, and what it reports of an epoch."""

from collections.abc import Mapping

from jaxtyping import Float, Int64
from torch import Tensor


def count_confident(logits: Float[Tensor, "images clusters"], *, threshold: float) -> Int64[Tensor, " clusters"]:
    """How many images each cluster gets with a probability above ``threshold``."""
    confidence, cluster = logits.softmax(-1).max(-1)
    return cluster[confidence > threshold].bincount(minlength=logits.shape[-1])


def self_label_metrics(averages: Mapping[str, float], pseudo_labels: Float[Tensor, " clusters"]) -> dict[str, float]:
    """What to report of an epoch of self-labeling.

    Args:
        averages: over its steps, ``loss`` and ``active`` among them.
        pseudo_labels: how many images were confident in its steps, for each cluster.
    """
    return {
        **averages,
        "loss": averages["loss"] / averages["active"],
        "clusters_taught": float((pseudo_labels > 0).sum()),
        "confident": float(pseudo_labels.sum()),
        "confident_smallest_cluster": float(pseudo_labels.min()),
        "confident_largest_cluster": float(pseudo_labels.max()),
    }
