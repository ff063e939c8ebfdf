"""Memory that mining takes, known before it starts."""

from scan_core.neighbors.ivf import TRAINING_PER_LIST, lists_of
from scan_core.neighbors.parts import CHUNK

_FAISS_BLOCK = 1024
"""Points that faiss compares with a chunk of queries at a time."""


def bytes_needed(*, images: int, points: int, dimensions: int, k: int, approximate: bool) -> int:
    """Bytes at the peak of mining ``k`` neighbors of each of ``points`` among ``images`` embeddings.

    The embeddings, a copy of the points where they are not all of them, lists with the points where the search is
    approximate (up to twice their size, since they double where they are full), the table twice (also as it is
    written), and a chunk of queries; not what Python and its libraries take.
    """
    vectors = images + (points if points < images else 0)
    if approximate:
        vectors += 2 * points + min(points, lists_of(points) * TRAINING_PER_LIST)
    table = points * k * (4 + 4)
    chunk = CHUNK * (_FAISS_BLOCK * 4 + 2 * 2 * (k + 1) * (4 + 8))
    return vectors * dimensions * 4 + 2 * table + chunk
