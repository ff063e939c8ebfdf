"""Read some images from a Parquet file, in bounded memory."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scan_core.datasets.dataset import Stored
from scan_core.errors import DataError

UNREADABLE = (pa.ArrowException, OSError, ValueError)
"""Exceptions of pyarrow for damaged files, text that is not UTF-8, and numbers too large for their type."""

BATCH_ROWS = 64
BUFFER_BYTES = 2**20


def read_images(path: Path, column: str, rows: npt.NDArray[np.int64]) -> Iterator[Stored]:
    """Yield the encoded images of ``rows``, which ascend; skip row groups without any of them.

    Args:
        column: a column of binary, or of struct<bytes, ...>.

    Raises:
        DataError: a damaged file, or one without some of ``rows``.
    """
    try:
        with pq.ParquetFile(path, buffer_size=BUFFER_BYTES) as file:
            start = found = 0
            for group in range(file.num_row_groups):
                stop = start + file.metadata.row_group(group).num_rows
                wanted = rows[(rows >= start) & (rows < stop)]
                if len(wanted):
                    for image in _read_group(file, group, column, wanted - start):
                        found += 1
                        yield image
                start = stop
        if found < len(rows):
            raise ValueError(f"{found} images where {len(rows)} should be")
    except UNREADABLE as error:
        raise unreadable(path, error) from error


def _read_group(file: pq.ParquetFile, group: int, image: str, rows: npt.NDArray[np.int64]) -> Iterator[Stored]:
    is_struct = pa.types.is_struct(file.schema_arrow.field(image).type)
    start = 0
    for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=[f"{image}.bytes" if is_struct else image]):
        column = pc.struct_field(batch.column(0), "bytes") if is_struct else batch.column(0)
        if column.type == pa.binary_view():  # of which pyarrow takes no rows
            column = column.cast(pa.large_binary())
        wanted = rows[(rows >= start) & (rows < start + len(batch))] - start
        yield from column.take(pa.array(wanted)).to_pylist()
        start += len(batch)


def unreadable(path: Path, error: Exception) -> DataError:
    """Return the error to raise for one of ``UNREADABLE``."""
    return DataError(
        f"{path}: not a readable Parquet file ({' '.join(str(error).split())}); replace it or give another source",
        argument="source",
    )
