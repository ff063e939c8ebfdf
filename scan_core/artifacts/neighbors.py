"""``data/artifacts/neighbors.parquet``: each training image's nearest neighbors among the training images."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scan_core.artifacts.tables import read_table, write_table
from scan_core.errors import ArtifactError

SCHEMA = pa.schema(
    [("image_id", pa.int64()), ("neighbor_id", pa.list_(pa.int32())), ("similarity", pa.list_(pa.float32()))]
)


class Neighbors(NamedTuple):
    """K neighbors of each of M training images, nearest first, the image itself excluded."""

    image_id: npt.NDArray[np.int64]
    """[M], ascending."""
    neighbor_id: npt.NDArray[np.int32]
    """[M, K] image ids."""
    similarity: npt.NDArray[np.float32]
    """[M, K] cosine similarities, in [-1, 1]."""


def write_neighbors(path: Path, neighbors: Neighbors) -> None:
    """Write the neighbor table."""
    rows, k = neighbors.neighbor_id.shape
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * k)
    lists = [
        pa.ListArray.from_arrays(offsets, pa.array(values.ravel()))
        for values in (neighbors.neighbor_id, neighbors.similarity)
    ]
    write_table(path, pa.table([neighbors.image_id, *lists], schema=SCHEMA))


def read_neighbors(path: Path, *, train_ids: npt.NDArray[np.int64]) -> Neighbors:
    """Read the neighbor table of the training images ``train_ids``.

    Raises:
        ArtifactError: missing, malformed, other images than ``train_ids``, lists of different lengths, an image among
            its own neighbors, a neighbor that is no training image, or an order that is not nearest first.
    """
    table = read_table(path, SCHEMA)
    image_id = table["image_id"].to_numpy()
    if not np.array_equal(image_id, train_ids):
        raise ArtifactError(
            f"{path}: {len(table)} rows, expected the {len(train_ids)} training images of data/artifacts/index.parquet"
        )
    if any(table[name].null_count for name in SCHEMA.names):
        raise ArtifactError(f"{path}: holds nulls, expected none; run dvc repro mine-neighbors")
    lengths = np.diff(table["neighbor_id"].combine_chunks().offsets.to_numpy())
    if len(np.unique(lengths)) > 1:
        raise ArtifactError(f"{path}: lists of {lengths.min()} to {lengths.max()} neighbors, expected one length")
    shape = (len(table), int(lengths[0]))
    flat = [table[name].combine_chunks().flatten() for name in ("neighbor_id", "similarity")]
    if len(flat[0]) != len(flat[1]) or flat[0].null_count or flat[1].null_count:
        raise ArtifactError(
            f"{path}: {len(flat[0])} neighbors with {len(flat[1])} similarities, expected one each, no nulls"
        )
    neighbor_id, similarity = (column.to_numpy().reshape(shape) for column in flat)
    if not np.isin(neighbor_id, train_ids).all() or (neighbor_id == image_id[:, None]).any():
        raise ArtifactError(f"{path}: a neighbor is the image itself or no training image")
    if not np.isfinite(similarity).all() or (np.diff(similarity, axis=1) > 0).any():
        raise ArtifactError(f"{path}: similarities are not finite and falling, expected nearest first")
    return Neighbors(image_id, neighbor_id, similarity)
