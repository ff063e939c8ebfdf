"""The input and the output of a search for the nearest points."""

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
"""Maps queries and k to the k nearest points of each query, including the query itself if it is a point."""
