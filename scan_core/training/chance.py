"""Find out whether a training is better than chance: than a network that says the same of every image."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

MARGIN = 0.02
"""A loss within this share of chance is no better than chance; so are predictions that tell half as much."""

CHUNK = 2**22
"""Number of probabilities that are summed up at a time."""


class Usage(NamedTuple):
    """How a model uses its clusters."""

    clusters_used: int
    """Number of clusters that hold an image."""
    largest_cluster: float
    """Share of the images that are in the largest cluster."""
    entropy: float
    """Of the mean prediction, in nats."""
    information: float
    """How much the predictions tell of their images, in nats; see :func:`information`."""


def first_look(epochs: int) -> int:
    """Return the epoch after which a training should have left chance: a tenth of ``epochs``, but at least 1."""
    return max(1, math.ceil(epochs / 10))


def at_chance(loss: float, chance: float) -> bool:
    """Return whether ``loss`` is not 2 % below ``chance`` (above 0)."""
    return loss >= (1 - MARGIN) * chance


@torch.no_grad()
def information(probabilities: Float[Tensor, "images clusters"]) -> float:
    """Return how much predictions tell of their images, in nats: 0 where all are the same, at most log C.

    The entropy of the mean prediction less the mean entropy of single ones (their mutual information with the images).
    """
    images, clusters = probabilities.shape
    precise = torch.float32 if probabilities.device.type == "mps" else torch.float64  # which mps does not have
    mean, single = probabilities.new_zeros(clusters, dtype=precise), 0.0
    for chunk in torch.split(probabilities, max(1, CHUNK // clusters)):  # a further copy of ImageNet's takes gigabytes
        mean += chunk.sum(0, dtype=precise) / images
        single += float(torch.special.entr(chunk).sum()) / images
    return float(torch.special.entr(mean).sum()) - single


def alike(information: float, entropy: float) -> bool:
    """Return whether predictions are nearly the same for all images, uniform or not.

    Args:
        information: how much they tell of their images, in nats.
        entropy: of the mean prediction, in nats.
    """
    return information <= MARGIN / 2 * entropy  # near uniform ones, neighbors that agree gain twice as much


def undecided(information: float, entropy: float, *, clusters: int, prior: Sequence[float] | None = None) -> bool:
    """Return whether predictions are :func:`alike`, and the clusters share them as they should: this is no collapse.

    Args:
        prior: the share that each cluster should have, of any sum; None means equal shares.
    """
    return alike(information, entropy) and entropy >= (1 - MARGIN) * prior_entropy(clusters, prior)


def prior_entropy(clusters: int, prior: Sequence[float] | None = None) -> float:
    """Return the entropy, in nats, of the shares that the clusters should have: ``prior``, or else equal ones."""
    if prior is None:
        return math.log(clusters)
    return -sum(share / sum(prior) * math.log(share / sum(prior)) for share in prior)


def last_epoch(epochs: Iterable[bool]) -> int:
    """Return the last epoch, from 1, that is true; 0 if there is none."""
    return max((number for number, each in enumerate(epochs, 1) if each), default=0)
