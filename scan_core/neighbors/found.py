"""What a search for the nearest points is, and what it finds."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

Points = Float32[np.ndarray, "points dimensions"]
Queries = Float32[np.ndarray, "queries dimensions"]


class Found(NamedTuple):
    """The points found for each query, nearest first."""

    similarity: Float32[np.ndarray, "queries k"]
    """Inner products."""
    row: Int64[np.ndarray, "queries k"]
    """Rows of the points."""


Search = Callable[[Queries, int], Found]
"""From queries and k to the k nearest points of each, among them the query itself where it is one of the points."""
