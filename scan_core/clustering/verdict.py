"""Judge without labels whether self-labeling has made the clusters of the SCAN step worse."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

ALL, ANCHORS, PER_CLUSTER = 10_000, 5_000, 20
"""Up to ``ALL`` images, the sample has all of them with all their neighbors. Beyond, it has ``ANCHORS`` of them, or
``PER_CLUSTER`` times the number of clusters if that is more, with one neighbor each."""
FEWEST, LOST = 3, 0.9
"""A cluster with at least this many images counts as lost if it loses more than this share of them."""
ENTROPY_LOST, CONFIDENT, MOST_ENTROPY_LOST = 0.02, 0.2, 0.25
"""Largest allowed loss of entropy, in nats: 2 % of the effective number of clusters. It is larger where at least the
share ``CONFIDENT`` of each cluster's images is confident: among clusters of one class, some grow at the expense of
others, and nothing is lost. A cluster without confident images is swallowed, whatever it has learned (docs/log.md)."""
AGREEMENT_LOST = 0.25
"""Largest allowed loss of agreement with the neighbors, as a share of it. The limit is loose, because agreement says
little: it falls when self-labeling corrects what neighbors get wrong, and rises when one cluster absorbs another
(docs/log.md)."""


class Sample(NamedTuple):
    """The images that are judged, and their neighbors."""

    rows: Int64[Tensor, " sample"]
    """The images; the first ones are the anchors."""
    neighbors: Int64[Tensor, "anchors neighbors"]
    """Neighbors of each anchor, as positions in ``rows``."""


class Clustering(NamedTuple):
    """A clustering, described without labels."""

    sizes: Int64[Tensor, " clusters"]
    """Number of anchors in each cluster."""
    entropy: float
    """Entropy of the mean prediction, in nats: log C if all clusters are used equally."""
    agreement: float
    """Share of neighbors in their anchor's cluster, corrected for chance (Cohen's kappa): 1 if all are, 0 if as many as
    by chance; 1 without neighbors."""
    confident: float
    """Share of the anchors that are confident, in the cluster where it is smallest."""

    def lost(self, before: "Clustering") -> int:
        """Return the number of clusters that have lost more than ``LOST`` of the images that they had ``before``."""
        return int(((before.sizes >= FEWEST) & (self.sizes < (1 - LOST) * before.sizes)).sum())

    def is_no_worse(self, before: "Clustering") -> bool:
        """Return whether no cluster is lost, and neither entropy nor agreement is much below that of ``before``.

        If one cluster absorbs another, the neighbors agree more often; only the entropy shows it.
        """
        taught = min(self.confident, before.confident) >= CONFIDENT
        even = self.entropy >= before.entropy - (MOST_ENTROPY_LOST if taught else ENTROPY_LOST)
        return even and not self.lost(before) and not agrees_less(before.agreement, self.agreement)


def agrees_less(before: float, now: float) -> bool:
    """Return whether more of the agreement with the neighbors is lost than ``AGREEMENT_LOST`` allows."""
    return now < before - AGREEMENT_LOST * abs(before)


def draw_sample(neighbor_rows: Int64[Tensor, "images neighbors"], clusters: int, generator: torch.Generator) -> Sample:
    """Return all images with all their neighbors; if there are many, a random sample with one neighbor each."""
    images, neighbors = neighbor_rows.shape
    count = max(ANCHORS, PER_CLUSTER * clusters)
    if images <= max(ALL, 2 * count):
        return Sample(torch.arange(images), neighbor_rows)
    anchors = torch.randperm(images, generator=generator)[:count]
    if not neighbors:
        return Sample(anchors, neighbor_rows[anchors])
    chosen = torch.randint(neighbors, (count,), generator=generator)
    return Sample(torch.cat([anchors, neighbor_rows[anchors, chosen]]), torch.arange(count, 2 * count)[:, None])


def describe(
    logits: Float[Tensor, "sample clusters"], neighbors: Int64[Tensor, "anchors neighbors"], *, threshold: float
) -> Clustering:
    """Describe the clustering of a :class:`Sample` by its ``logits``.

    Args:
        threshold: the probability above which an image is confident.
    """
    probabilities = logits[: len(neighbors)].softmax(-1)
    entropy = torch.special.entr(probabilities.mean(0)).sum()
    cluster, count = logits.argmax(-1).cpu(), logits.shape[-1]
    anchors = cluster[: len(neighbors)]
    sizes = anchors.bincount(minlength=count)
    confident = anchors.bincount((probabilities.amax(-1).cpu() > threshold).double(), minlength=count)
    share = (confident / sizes)[sizes >= FEWEST].min() if (sizes >= FEWEST).any() else 0.0
    return Clustering(sizes, float(entropy), _agreement(cluster, anchors, neighbors, count), float(share))


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
