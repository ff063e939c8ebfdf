"""Find out whether a training is better than chance: than a network that says the same of every image."""

import math
from collections.abc import Iterable

MARGIN = 0.02
"""A loss within this share of chance is no better than chance."""


def first_look(epochs: int) -> int:
    """Return the epoch after which a training should have left chance: a tenth of ``epochs``, but at least 1."""
    return max(1, math.ceil(epochs / 10))


def at_chance(loss: float, chance: float) -> bool:
    """Whether ``loss`` is not 2 % below ``chance`` (above 0)."""
    return loss >= (1 - MARGIN) * chance


def last_at_chance(losses: Iterable[float], chance: float) -> int:
    """Return the last epoch, from 1, whose loss was :func:`at_chance`; 0 if there is none."""
    return last_epoch(at_chance(loss, chance) for loss in losses)


def last_epoch(epochs: Iterable[bool]) -> int:
    """Return the last epoch, from 1, that is true; 0 if there is none."""
    return max((number for number, each in enumerate(epochs, 1) if each), default=0)
