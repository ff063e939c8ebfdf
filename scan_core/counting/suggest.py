"""Turn the curve into a range of numbers of clusters and a suggestion."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from scan_core.counting.curve import Point
from scan_core.errors import DataError

NEARLY = 0.85
"""The range holds the numbers of clusters whose fit is at least this share of the best fit."""


class Suggestion(NamedTuple):
    """A number of clusters, and the range that it is from."""

    clusters: int
    lowest: int
    """The range of numbers that fit nearly as well as the best."""
    highest: int


def suggest(points: Sequence[Point]) -> Suggestion:
    """Return the range that fits nearly as well as the best, and its middle, rounded up.

    The middle is steadier than the best, which moves within the range from one sample to the next; and rather too many
    than too few, for two clusters of one kind are easily merged.

    Raises:
        DataError: no point.
    """
    if not points:
        raise DataError("too few images to tell how many clusters there are")
    best = max(point.fit for point in points)
    near = [point.clusters for point in points if point.fit >= NEARLY * best]
    return Suggestion(math.ceil((near[0] + near[-1]) / 2), near[0], near[-1])
