"""Whether a training does better than chance: than a network would that says the same of every image."""

import math
from collections.abc import Iterable

MARGIN = 0.02
"""A loss that is so near to chance, as a share of it, is no better."""


def first_look(epochs: int) -> int:
    """After how many of ``epochs`` epochs a training should have left chance: a tenth of them, but at least one."""
    return max(1, math.ceil(epochs / 10))


def last_at_chance(losses: Iterable[float], chance: float) -> int:
    """The last epoch, from 1, whose loss was within 2 % of ``chance`` (above 0) or beyond it; 0 where none was."""
    return max((epoch for epoch, loss in enumerate(losses, 1) if loss >= (1 - MARGIN) * chance), default=0)
