"""Divide the images to mine into chunks, and among several processes."""

from collections.abc import Iterator, Sequence

import numpy as np

from scan_core.artifacts.neighbors import Neighbors

CHUNK = 4096
"""Number of queries in a search, as in faiss; the last chunk has fewer than twice as many.

The last bit of a sum depends on a query's place in its chunk. Each process takes whole chunks, so an image's neighbors
are the same to the bit, whichever process mines them.
"""


def part_of_rows(images: int, *, rank: int, world_size: int) -> range:
    """Return the rows, of 0..images-1, that process ``rank`` of ``world_size`` mines; the parts are in order."""
    chunks = max(1, images // CHUNK)
    first, last = (chunks * number // world_size for number in (rank, rank + 1))
    return range(first * CHUNK, images if last == chunks else last * CHUNK)


def chunks(rows: range) -> Iterator[range]:
    """Yield the chunks of a process's rows."""
    count = max(1, len(rows) // CHUNK) if rows else 0
    for start in range(rows.start, rows.start + count * CHUNK, CHUNK):
        yield range(start, rows.stop if start + 2 * CHUNK > rows.stop else start + CHUNK)


def join(parts: Sequence[Neighbors]) -> Neighbors:
    """Join the parts of all ranks, in order, to the table of all images."""
    return Neighbors(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
