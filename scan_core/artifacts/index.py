"""``data/index.parquet``: which images the method may learn from and which it is evaluated on."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scan_core.artifacts.tables import check_row_ids, read_table, write_table
from scan_core.errors import ArtifactError

SCHEMA = pa.schema([("image_id", pa.int64()), ("split", pa.string()), ("train", pa.bool_()), ("evaluate", pa.bool_())])


class Index(NamedTuple):
    """One row per image, row = image_id."""

    split: npt.NDArray[np.object_]
    train: npt.NDArray[np.bool_]
    evaluate: npt.NDArray[np.bool_]

    @property
    def train_ids(self) -> npt.NDArray[np.int64]:
        """The ids of the images to learn from, ascending."""
        return np.flatnonzero(self.train)

    @property
    def evaluate_ids(self) -> npt.NDArray[np.int64]:
        """The ids of the images to evaluate on, ascending."""
        return np.flatnonzero(self.evaluate)


def write_index(path: Path, index: Index, *, pixels_digest: str) -> None:
    """Write ``index``; ``pixels_digest`` (SHA-256 of the images' bytes) lets a training know its input cheaply."""
    columns = [np.arange(len(index.split)), index.split, index.train, index.evaluate]
    write_table(path, pa.table(columns, schema=SCHEMA), metadata={"pixels_digest": pixels_digest})


def read_index(path: Path, *, rows: int | None = None) -> Index:
    """Read the index, of ``rows`` images where given.

    Raises:
        ArtifactError: missing, malformed, not one row per image, or without a training image.
    """
    table = read_table(path, SCHEMA)
    check_row_ids(path, table, rows=rows)
    index = Index(*(table[name].to_numpy() for name in ("split", "train", "evaluate")))
    if not index.train.any():
        raise ArtifactError(f"{path}: no training image; check data.train_splits")
    return index
