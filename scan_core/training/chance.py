"""Find out whether a training is better than chance: than a network that says the same of every image."""

import math
from collections.abc import Iterable, Sequence

MARGIN = 0.02
"""A loss within this share of chance is no better than chance."""


def first_look(epochs: int) -> int:
    """Return the epoch after which a training should have left chance: a tenth of ``epochs``, but at least 1."""
    return max(1, math.ceil(epochs / 10))


def at_chance(loss: float, chance: float) -> bool:
    """Whether ``loss`` is not 2 % below ``chance`` (above 0)."""
    return loss >= (1 - MARGIN) * chance


def alike(information: float, entropy: float, *, clusters: int, prior: Sequence[float] | None = None) -> bool:
    """Whether predictions tell nothing of their images: nearly the same of all, and not one cluster (a collapse).

    Args:
        information: how much the predictions tell of their images, in nats.
        entropy: of the mean prediction, in nats; near log C if it is uniform, near the entropy of ``prior`` if it is
            that.
        prior: the share that each cluster should have, of any sum; None means equal shares.
    """
    return tells_nothing(information, entropy) and entropy >= greatest_entropy(clusters, prior) / 2


def tells_nothing(information: float, entropy: float) -> bool:
    """Whether predictions are nearly the same of all images; arguments as in :func:`alike`."""
    return information <= MARGIN / 2 * entropy  # near uniform ones the SCAN loss falls twice as fast as this rises


def greatest_entropy(clusters: int, prior: Sequence[float] | None = None) -> float:
    """Return the entropy, in nats, of the shares that the clusters should have: ``prior``, or else equal ones."""
    if prior is None:
        return math.log(clusters)
    return -sum(share / sum(prior) * math.log(share / sum(prior)) for share in prior)


def last_epoch(epochs: Iterable[bool]) -> int:
    """Return the last epoch, from 1, that is true; 0 if there is none."""
    return max((number for number, each in enumerate(epochs, 1) if each), default=0)
