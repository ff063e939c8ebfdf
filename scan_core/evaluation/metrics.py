"""Measure how well clusters agree with classes."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, normalized_mutual_info_score

from scan_core.evaluation.matching import contingency, majority, one_to_one

TOP = 5
_CHUNK = 2**22
"""Number of probabilities ranked at a time."""


class Scores(NamedTuple):
    """Agreement of one clustering with the classes; for every score, higher is better."""

    acc: float
    """Accuracy under the one-to-one matching, in [0, 1]."""
    acc_many_to_one: float
    """Accuracy if each cluster is assigned its majority class, in [acc, 1]; rises with the number of clusters."""
    nmi: float
    """Normalized mutual information, arithmetic mean of the entropies, in [0, 1]; not adjusted for chance."""
    ari: float
    """Adjusted Rand index (Hubert and Arabie 1985), in [-0.5, 1], about 0 by chance."""
    ami: float
    """Adjusted mutual information (Vinh et al. 2010), at most 1, about 0 by chance."""
    top5: float | None
    """Accuracy of the five most probable clusters' matched classes, in [acc, 1]; None below five clusters."""


def accuracy(
    clusters: Int[np.ndarray, " images"],
    labels: Int[np.ndarray, " images"],
    mapping: Int[np.ndarray, " clusters"],
) -> float:
    """Return the share of images whose cluster's class, by ``mapping``, is their label; in [0, 1], higher is better."""
    return float(np.mean(mapping[clusters] == labels))


def top_k_accuracy(
    probabilities: Float[np.ndarray, "images clusters"],
    labels: Int[np.ndarray, " images"],
    mapping: Int[np.ndarray, " clusters"],
    *,
    k: int,
) -> float:
    """Return the share of images whose label is among the classes of the ``k`` most probable clusters; in [0, 1].

    An unmatched cluster takes one of the ``k`` places and is never correct. The lower cluster wins a tie, as in argmax.
    """
    size = max(1, _CHUNK // probabilities.shape[1])
    right = 0
    for start in range(0, len(labels), size):
        chunk, label = probabilities[start : start + size], labels[start : start + size, None]
        own = np.where(mapping == label, chunk, -1).argmax(axis=1)[:, None]
        value = np.take_along_axis(chunk, own, axis=1)
        before = (chunk > value) | ((chunk == value) & (np.arange(chunk.shape[1]) < own))
        right += int(((before.sum(axis=1) < k) & (mapping[own] == label)[:, 0]).sum())
    return right / len(labels)


def score(
    clusters: Int[np.ndarray, " images"],
    labels: Int[np.ndarray, " images"],
    *,
    cluster_count: int,
    class_count: int,
    probabilities: Float[np.ndarray, "images clusters"] | None = None,
) -> Scores:
    """Score ``clusters`` against ``labels`` (every image labeled, at least one image)."""
    table = contingency(clusters, labels, cluster_count=cluster_count, class_count=class_count)
    matched = one_to_one(table)
    top5 = None
    if probabilities is not None and cluster_count >= TOP:
        top5 = top_k_accuracy(probabilities, labels, matched, k=TOP)
    return Scores(
        acc=accuracy(clusters, labels, matched),
        acc_many_to_one=accuracy(clusters, labels, majority(table)),
        nmi=float(normalized_mutual_info_score(labels, clusters, average_method="arithmetic")),
        ari=float(adjusted_rand_score(labels, clusters)),
        ami=float(adjusted_mutual_info_score(labels, clusters, average_method="arithmetic")),
        top5=top5,
    )
