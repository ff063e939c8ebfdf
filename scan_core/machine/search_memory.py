"""Predict the memory that mining takes."""

from scan_core.neighbors.ivf import TRAINING_PER_LIST, lists_of
from scan_core.neighbors.parts import CHUNK

_FAISS_BLOCK = 1024
"""Number of points that faiss compares with a chunk of queries at a time."""


def bytes_needed(*, images: int, points: int, dimensions: int, k: int, approximate: bool) -> int:
    """Return the peak bytes of mining ``k`` neighbors of each of ``points`` among ``images`` embeddings.

    Counts the embeddings; a copy of the points if they are a part of them; for an approximate search, lists with the
    points, up to twice their size since full lists double; the table twice (also as written); and a chunk of queries.
    Leaves out Python and its libraries.
    """
    vectors = images + (points if points < images else 0)
    if approximate:
        vectors += 2 * points + min(points, lists_of(points) * TRAINING_PER_LIST)
    table = points * k * (4 + 4)
    chunk = CHUNK * (_FAISS_BLOCK * 4 + 2 * 2 * (k + 1) * (4 + 8))
    return vectors * dimensions * 4 + 2 * table + chunk
