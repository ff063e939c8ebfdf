"""What the page says about each cluster."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from scan_core.evaluation.matching import contingency
from scan_core.evaluation.prototypes import copies_last, least_confident, prototypes
from scan_core.evaluation.results import StepResult
from scan_core.evaluation.truth import Truth

CLOSE = 3
"""Upper limit of the other clusters and of the classes that a card names."""
WORTH_NAMING = 0.05
"""Smallest share that is named."""


class Share(NamedTuple):
    """A class, or another cluster, and its share of a cluster's images in [0, 1]."""

    number: int
    share: float


class Card(NamedTuple):
    """One cluster."""

    cluster: int
    name: str
    size: int
    share: float
    """Share of all images, in [0, 1]."""
    confidence: float
    """Mean confidence; 0 if the cluster is empty."""
    classes: list[Share]
    """The most frequent classes among the cluster's labeled images, the majority class first."""
    mixed: bool
    """Whether no class has half of the labeled images; False without labels."""
    close: list[Share]
    """The clusters whose centers are nearer to some images than the own one, those with the most images first."""
    typical: Int[np.ndarray, " _"]
    random: Int[np.ndarray, " _"]
    uncertain: Int[np.ndarray, " _"]

    @property
    def shown(self) -> Int[np.ndarray, " shown"]:
        """Return the rows of the typical, random and least certain images, one after the other."""
        return np.concatenate([self.typical, self.random, self.uncertain])


def cards(
    step: StepResult,
    truth: Truth,
    embeddings: Float[np.ndarray, "images dimensions"],
    names: Sequence[str],
    *,
    count: int,
) -> list[Card]:
    """Describe each cluster, with at most ``count`` typical, random and least certain images.

    Equal inputs draw equal random images. Copies of an image are shown only if there are not enough others.

    Args:
        embeddings: L2-normalized.
        names: of each cluster.
    """
    clusters, confidence, sizes = step.clusters, step.confidence, step.sizes
    typical = prototypes(embeddings, clusters, confidence, cluster_count=len(sizes), count=count)
    labeled = truth.labeled
    classes = contingency(
        clusters[labeled], truth.labels[labeled], cluster_count=len(sizes), class_count=len(truth.names)
    )
    nearer = share_nearer(embeddings, clusters, cluster_count=len(sizes))
    generator = np.random.default_rng(0)
    found = []
    for cluster, size in enumerate(sizes.tolist()):
        members = np.flatnonzero(clusters == cluster)
        found.append(
            Card(
                cluster,
                names[cluster],
                size,
                size / len(clusters),
                float(confidence[members].mean(dtype=np.float64)) if size else 0.0,
                _largest(classes[cluster] / max(1, classes[cluster].sum())),
                bool(2 * classes[cluster].max(initial=0) < classes[cluster].sum()),
                _largest(nearer[cluster]),
                typical[cluster],
                np.sort(copies_last(generator.permutation(members), embeddings, count=count)),
                copies_last(members[least_confident(confidence[members], count=size)], embeddings, count=count),
            )
        )
    return found


def share_nearer(
    embeddings: Float[np.ndarray, "images dimensions"], clusters: Int[np.ndarray, " images"], *, cluster_count: int
) -> Float[np.ndarray, "clusters clusters"]:
    """Return, for each cluster (row), the share of its images to which another cluster's center is nearer than its own.

    Shares are in [0, 1]; two clusters with high shares are candidates to merge. Centers are the directions of mean
    embeddings, and an empty cluster has none.
    """
    centers = np.zeros((cluster_count, embeddings.shape[1]))
    np.add.at(centers, clusters, embeddings)
    length = np.linalg.norm(centers, axis=1, keepdims=True)
    centers = (centers / np.maximum(length, 1e-12)).astype(embeddings.dtype)
    shares = np.zeros((cluster_count, cluster_count))
    for cluster in np.unique(clusters):
        similarity = embeddings[clusters == cluster] @ centers.T
        shares[cluster] = (similarity > similarity[:, [cluster]]).mean(axis=0)
    shares[:, length[:, 0] == 0] = 0
    return shares


def _largest(shares: Float[np.ndarray, " shares"]) -> list[Share]:
    order = np.argsort(-shares, kind="stable")[:CLOSE]
    return [Share(int(number), float(shares[number])) for number in order if shares[number] >= WORTH_NAMING]
