"""Memory that mining takes, known before it starts."""

import math
import re
from contextlib import suppress
from pathlib import Path

from scan_core.neighbors.ivf import TRAINING_PER_LIST, lists_of
from scan_core.neighbors.pieces import CHUNK

_FAISS_BLOCK = 1024
"""Points that faiss compares with a chunk of queries at a time."""
_SOURCES = (("/proc/meminfo", r"MemAvailable:\s+(\d+) kB", 1024), ("/sys/fs/cgroup/memory.max", r"(\d+)", 1))


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


def free_bytes() -> float:
    """What the system has left, or the limit of this container where that is less; infinite where neither is told."""
    free = math.inf
    for path, pattern, unit in _SOURCES:
        with suppress(OSError):
            if found := re.search(pattern, Path(path).read_text(encoding="ascii")):
                free = min(free, float(found[1]) * unit)
    return free
