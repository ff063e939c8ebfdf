"""Find out whether a training is better than chance: than a network that says the same of every image."""

import math
from collections.abc import Iterable

MARGIN = 0.02
"""A loss within this share of chance is no better than chance."""


def first_look(epochs: int) -> int:
    """Return the epoch after which a training should have left chance: a tenth of ``epochs``, but at least 1."""
    return max(1, math.ceil(epochs / 10))


def last_at_chance(losses: Iterable[float], chance: float) -> int:
    """Return the last epoch, from 1, whose loss was not 2 % below ``chance`` (above 0); 0 if there is none."""
    return max((epoch for epoch, loss in enumerate(losses, 1) if loss >= (1 - MARGIN) * chance), default=0)
