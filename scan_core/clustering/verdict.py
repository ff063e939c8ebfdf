"""Judge without labels whether self-labeling has lost what the SCAN step had."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

ALL, ANCHORS, PER_CLUSTER = 10_000, 5_000, 20
"""Up to this many images, all are judged; of more, a sample of this size, or of a size for each cluster, with one
neighbor of each."""
FEWEST, LOST = 3, 0.9
"""A cluster with at least this many images counts as lost if it loses more than this share of them."""
ENTROPY_LOST = 0.02
"""Entropy that self-labeling may cost, in nats: 2 % of the effective number of clusters."""
AGREEMENT_LOST = 0.25
"""Of the agreement with the neighbors, the share that it may cost. It tells little: agreement falls where self-labeling
mends what neighbors get wrong, and rises where one cluster swallows another (docs/log.md)."""


class Sample(NamedTuple):
    """Which images to look at, and which pairs of them are neighbors."""

    rows: Int64[Tensor, " sample"]
    """The images; the first ones are the anchors."""
    neighbors: Int64[Tensor, "anchors neighbors"]
    """Of each anchor, as positions in ``rows``."""


class Clustering(NamedTuple):
    """What can be said of a clustering without labels."""

    sizes: Int64[Tensor, " clusters"]
    """Anchors in each cluster."""
    entropy: float
    """Of the mean prediction, in nats: log C where all clusters are used alike."""
    agreement: float
    """Share of the neighbors that are in their anchor's cluster, corrected for chance (Cohen's kappa): 1 all, 0 as many
    as by chance. 1 without neighbors."""

    def lost(self, before: "Clustering") -> int:
        """How many clusters have lost nearly all of the images that they had ``before``."""
        return int(((before.sizes >= FEWEST) & (self.sizes < (1 - LOST) * before.sizes)).sum())

    def is_no_worse(self, before: "Clustering") -> bool:
        """Whether no cluster that was there ``before`` is lost, and none has much grown at the expense of others.

        Where one cluster swallows another, the entropy tells it, and the neighbors agree more.
        """
        even = self.entropy >= before.entropy - ENTROPY_LOST
        return even and not self.lost(before) and self.agreement >= (1 - AGREEMENT_LOST) * before.agreement


def draw_sample(neighbor_rows: Int64[Tensor, "images neighbors"], clusters: int, generator: torch.Generator) -> Sample:
    """All images with all their neighbors or, of many, some with one neighbor each."""
    images, neighbors = neighbor_rows.shape
    count = max(ANCHORS, PER_CLUSTER * clusters)
    if images <= max(ALL, 2 * count):
        return Sample(torch.arange(images), neighbor_rows)
    anchors = torch.randperm(images, generator=generator)[:count]
    if not neighbors:
        return Sample(anchors, neighbor_rows[anchors])
    chosen = torch.randint(neighbors, (count,), generator=generator)
    return Sample(torch.cat([anchors, neighbor_rows[anchors, chosen]]), torch.arange(count, 2 * count)[:, None])


def describe(logits: Float[Tensor, "sample clusters"], neighbors: Int64[Tensor, "anchors neighbors"]) -> Clustering:
    """Describe the clustering that ``logits`` give to a :class:`Sample`."""
    mean = logits[: len(neighbors)].softmax(-1).mean(0)
    cluster, count = logits.argmax(-1).cpu(), logits.shape[-1]
    anchors = cluster[: len(neighbors)]
    sizes = anchors.bincount(minlength=count)
    return Clustering(sizes, float(torch.special.entr(mean).sum()), _agreement(cluster, anchors, neighbors, count))


def _agreement(
    cluster: Int64[Tensor, " sample"],
    anchors: Int64[Tensor, " anchors"],
    neighbors: Int64[Tensor, "anchors neighbors"],
    count: int,
) -> float:
    if not neighbors.shape[1]:
        return 1.0
    agree = torch.stack([(cluster[column] == anchors).double().mean() for column in neighbors.T]).mean()
    shares = [of.bincount(minlength=count).double() / len(of) for of in (anchors, cluster[neighbors.flatten()])]
    chance = shares[0] @ shares[1]
    return float((agree - chance) / (1 - chance)) if chance < 1 else 0.0
