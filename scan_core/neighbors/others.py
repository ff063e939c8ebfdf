"""Remove the query itself from what a search found, and order ties by row."""

import numpy as np
from jaxtyping import Int64

from scan_core.neighbors.found import Found


def others(found: Found, own: Int64[np.ndarray, " queries"]) -> Found:
    """Return the neighbors without the query, one fewer than found; among equals, the smaller row comes first.

    The query is removed by its row ``own``, not by its rank: an exact duplicate may come before it. Only queries with a
    duplicate or a tie are sorted again.
    """
    similarity, row = found
    unusual = (row[:, 0] != own) | (similarity[:, 1:] == similarity[:, :-1]).any(axis=1)
    rest = Found(similarity[:, 1:], row[:, 1:])
    if unusual.any():
        rest.similarity[unusual], rest.row[unusual] = _sorted(Found(similarity[unusual], row[unusual]), own[unusual])
    return rest


def _sorted(found: Found, own: Int64[np.ndarray, " queries"]) -> Found:
    itself = found.row == own[:, None]
    itself[:, -1] |= ~itself.any(axis=1)  # duplicates took all places: drop the last one instead
    shape = (len(own), found.row.shape[1] - 1)
    similarity, row = (values[~itself].reshape(shape) for values in found)
    order = np.lexsort((row, -similarity), axis=1)
    return Found(*(np.take_along_axis(values, order, axis=1) for values in (similarity, row)))
