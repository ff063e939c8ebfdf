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
ENTROPY_LOST = 0.02
"""Largest loss of entropy, in nats, that is allowed whatever the neighbors say: 2 % of the effective number of
clusters."""
INFORMATION_LOST, MOST_ENTROPY_LOST = 0.07, 0.25
"""If the information about the neighbors falls by less than this, in nats, entropy may fall further. Clusters of one
class may come to have unequal sizes, which costs entropy but hardly any information; where one cluster swallows another
class, both fall (docs/log.md)."""
PAIRS = 10
"""Information needs so many pairs of neighbors for each pair of clusters; from fewer it seems larger than it is."""
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
    information: float
    """What a neighbor's cluster tells of its anchor's, in nats (their mutual information): log C if all neighbors agree
    and clusters are equally large; 0 also if there are too few pairs (``PAIRS``) to say."""

    def lost(self, before: "Clustering") -> int:
        """Return the number of clusters that have lost more than ``LOST`` of the images that they had ``before``."""
        return int(((before.sizes >= FEWEST) & (self.sizes < (1 - LOST) * before.sizes)).sum())

    def is_no_worse(self, before: "Clustering") -> bool:
        """Return whether no cluster is lost, neighbors agree nearly as often as ``before``, and entropy or information
        is nearly as high.

        If one cluster absorbs another, the neighbors agree more often; only entropy and information show it.
        """
        tells_as_much = self.information > max(0.0, before.information - INFORMATION_LOST)
        even = self.entropy >= before.entropy - (MOST_ENTROPY_LOST if tells_as_much else ENTROPY_LOST)
        agreeing = self.agreement >= (1 - AGREEMENT_LOST) * before.agreement
        return even and agreeing and not self.lost(before)


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


def describe(logits: Float[Tensor, "sample clusters"], neighbors: Int64[Tensor, "anchors neighbors"]) -> Clustering:
    """Describe the clustering of a :class:`Sample` by its ``logits``."""
    mean = logits[: len(neighbors)].softmax(-1).mean(0)
    cluster, count = logits.argmax(-1).cpu(), logits.shape[-1]
    anchors = cluster[: len(neighbors)]
    agreement, information = _of_neighbors(anchors, cluster[neighbors], count)
    sizes = anchors.bincount(minlength=count)
    return Clustering(sizes, float(torch.special.entr(mean).sum()), agreement, information)


def _of_neighbors(
    anchors: Int64[Tensor, " anchors"], neighbors: Int64[Tensor, "anchors neighbors"], count: int
) -> tuple[float, float]:
    """Return :attr:`Clustering.agreement` and :attr:`Clustering.information`, by the clusters of both."""
    if not neighbors.shape[1]:
        return 1.0, 0.0
    pairs, numbers = (anchors[:, None] * count + neighbors).unique(return_counts=True)  # type: ignore[no-untyped-call]
    of_anchor, of_neighbor, share = pairs // count, pairs % count, numbers.double() / numbers.sum()
    anchor_shares = of_anchor.bincount(share, minlength=count)
    neighbor_shares = of_neighbor.bincount(share, minlength=count)
    agree, chance = share[of_anchor == of_neighbor].sum(), anchor_shares @ neighbor_shares
    kappa = float((agree - chance) / (1 - chance)) if chance < 1 else 0.0
    if neighbors.numel() < PAIRS * count**2:
        return kappa, 0.0
    by_chance = anchor_shares[of_anchor] * neighbor_shares[of_neighbor]
    return kappa, float(share @ (share / by_chance).log())
