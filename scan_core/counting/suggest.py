"""Turn the curve into a range of numbers of clusters and a suggestion."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from scan_core.counting.curve import Point
from scan_core.errors import DataError

NEARLY = 0.85
"""The range holds the numbers of clusters whose fit is at least this share of the best fit."""
LEAST = 0.02
"""A best fit below says that there are no groups: of 60 to 1,000 points of noise, it was 0.0003 to 0.017; on
photographs of hands and clothing, 0.12 and 0.10, on the digits 0.42."""


class Suggestion(NamedTuple):
    """A number of clusters, and the range that it is from."""

    clusters: int
    lowest: int
    """The range of numbers that fit nearly as well as the best."""
    highest: int
    clear: bool
    """Whether the embeddings form groups at all."""


def suggest(points: Sequence[Point]) -> Suggestion:
    """Return the range that fits nearly as well as the best, and its middle, rounded up.

    Where the embeddings form no groups, return the best alone, the smallest of equal ones.

    The middle is steadier than the best, which moves within the range from one sample to the next; and rather too many
    than too few, for two clusters of one kind are easily merged.

    Raises:
        DataError: no point.
    """
    if not points:
        raise DataError("too few images to tell how many clusters there are")
    top = max(points, key=lambda point: point.fit)
    best = top.fit
    if best < LEAST:
        return Suggestion(top.clusters, top.clusters, top.clusters, clear=False)
    near = [point.clusters for point in points if point.fit >= NEARLY * best]
    return Suggestion(math.ceil((near[0] + near[-1]) / 2), near[0], near[-1], clear=True)
