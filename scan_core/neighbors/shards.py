"""Mining by several processes: each takes a range of the images, and the parts make the whole."""

from collections.abc import Sequence

import numpy as np

from scan_core.artifacts.neighbors import Neighbors

CHUNK = 4096
"""Images searched for together. Shards are whole chunks: the same call gives the same bits, whoever makes it."""


def shard(images: int, *, rank: int, world_size: int) -> range:
    """The rows, of 0..images-1, that process ``rank`` of ``world_size`` mines; those of all ranks follow each other."""
    chunks = -(-images // CHUNK)
    first, last = (min(images, chunks * part // world_size * CHUNK) for part in (rank, rank + 1))
    return range(first, last)


def join(parts: Sequence[Neighbors]) -> Neighbors:
    """The table of all images from the parts of the ranks, in order."""
    return Neighbors(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
