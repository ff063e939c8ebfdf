"""From what a search finds to the other images: without the query itself, in an order that ties cannot change."""

import numpy as np
from jaxtyping import Int64

from scan_core.neighbors.found import Found


def others(found: Found, own: Int64[np.ndarray, " queries"]) -> Found:
    """The neighbors without the query, one fewer than found; among equals, the smaller row comes first.

    The query is removed by its row ``own``, not by its rank: an exact duplicate may come before it. Only the queries
    for which that, or a tie, is so are sorted again.
    """
    similarity, row = found
    unusual = (row[:, 0] != own) | (similarity[:, 1:] == similarity[:, :-1]).any(axis=1)
    rest = Found(similarity[:, 1:], row[:, 1:])
    if unusual.any():
        rest.similarity[unusual], rest.row[unusual] = _sorted(Found(similarity[unusual], row[unusual]), own[unusual])
    return rest


def _sorted(found: Found, own: Int64[np.ndarray, " queries"]) -> Found:
    itself = found.row == own[:, None]
    itself[:, -1] |= ~itself.any(axis=1)  # as many duplicates came before it: drop the last instead
    shape = (len(own), found.row.shape[1] - 1)
    similarity, row = (values[~itself].reshape(shape) for values in found)
    order = np.lexsort((row, -similarity), axis=1)
    return Found(*(np.take_along_axis(values, order, axis=1) for values in (similarity, row)))
