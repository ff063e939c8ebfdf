"""Mining some images at a time, and by several processes, of which each takes a part of the rows."""

from collections.abc import Iterator, Sequence

import numpy as np

from scan_core.artifacts.neighbors import Neighbors

CHUNK = 4096
"""Images searched for together, as faiss itself does; the last ones, fewer than twice as many, too.

The last bit of a sum depends on the place of a query among those searched for with it. Ranges are whole chunks, so that
an image's neighbors are the same to the bit, whoever mines them.
"""


def part_of_rows(images: int, *, rank: int, world_size: int) -> range:
    """Return the rows, of 0..images-1, that process ``rank`` of ``world_size`` mines; the parts follow each other."""
    chunks = max(1, images // CHUNK)
    first, last = (chunks * number // world_size for number in (rank, rank + 1))
    return range(first * CHUNK, images if last == chunks else last * CHUNK)


def chunks(rows: range) -> Iterator[range]:
    """Yield the chunks of a process's part."""
    count = max(1, len(rows) // CHUNK) if rows else 0
    for start in range(rows.start, rows.start + count * CHUNK, CHUNK):
        yield range(start, rows.stop if start + 2 * CHUNK > rows.stop else start + CHUNK)


def join(parts: Sequence[Neighbors]) -> Neighbors:
    """Return the table of all images from the parts of the ranks, in order."""
    return Neighbors(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
