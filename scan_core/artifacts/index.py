"""``data/artifacts/index.parquet``: which images the method may learn from and which it is evaluated on."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scan_core.artifacts.tables import check_row_ids, read_table, write_table
from scan_core.errors import ArtifactError

SCHEMA = pa.schema([("image_id", pa.int64()), ("split", pa.string()), ("train", pa.bool_()), ("evaluate", pa.bool_())])


NORMALIZATION = "normalization"
PREPARATION = "preparation"


class Normalization(NamedTuple):
    """Mean and standard deviation of each channel over the training images, for pixels in [0, 1]."""

    mean: list[float]
    std: list[float]
    """Above 0."""


class Index(NamedTuple):
    """One row per image, row = image_id."""

    split: npt.NDArray[np.object_]
    train: npt.NDArray[np.bool_]
    evaluate: npt.NDArray[np.bool_]

    @property
    def train_ids(self) -> npt.NDArray[np.int64]:
        """Return the ids of the images to learn from, ascending."""
        return np.flatnonzero(self.train)

    def ids_to_train_on(self, *, further_splits: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the ids of the images to learn from and of those in ``further_splits``, ascending."""
        return np.flatnonzero(self.train | np.isin(self.split, further_splits))

    @property
    def evaluate_ids(self) -> npt.NDArray[np.int64]:
        """Return the ids of the images to evaluate on, ascending."""
        return np.flatnonzero(self.evaluate)


def write_index(
    path: Path,
    index: Index,
    *,
    normalization: Normalization,
    pixels_digest: str,
    dataset: str = "",
    preparation: Mapping[str, Any] | None = None,
) -> None:
    """Write ``index``.

    Args:
        pixels_digest: a digest of all images, which identifies a training's input cheaply.
        dataset: the name of the dataset.
        preparation: what fetch did to each image (JSON values); every model keeps it.
    """
    columns = [np.arange(len(index.split)), index.split, index.train, index.evaluate]
    described = json.dumps(normalization._asdict())
    metadata = {"pixels_digest": pixels_digest, NORMALIZATION: described, "dataset": dataset}
    if preparation is not None:
        metadata |= {key: str(value) for key, value in preparation.items()}
        metadata[PREPARATION] = json.dumps(preparation)
    write_table(path, pa.table(columns, schema=SCHEMA), metadata=metadata)


def read_index(path: Path, *, rows: int | None = None) -> Index:
    """Read the index; ``rows`` is the expected number of images.

    Raises:
        ArtifactError: missing, malformed, not one row per image, or without a training image.
    """
    table = read_table(path, SCHEMA)
    check_row_ids(path, table, rows=rows)
    if any(table[name].null_count for name in SCHEMA.names):
        raise ArtifactError(f"{path}: holds nulls, expected none; run dvc repro fetch")
    index = Index(*(table[name].to_numpy() for name in ("split", "train", "evaluate")))
    if not index.train.any():
        raise ArtifactError(f"{path}: no training image; run dvc repro fetch with other splits to train on")
    return index


def read_origin(path: Path) -> dict[str, str]:
    """Read ``dataset`` and ``pixels_digest``, which identify the images; an unknown one is empty.

    Raises:
        ArtifactError: missing or malformed.
    """
    metadata = read_table(path, SCHEMA).schema.metadata
    return {name: metadata.get(name.encode(), b"").decode() for name in ("dataset", "pixels_digest")}


def read_preparation(path: Path) -> dict[str, Any]:
    """Read what fetch did to each image.

    Raises:
        ArtifactError: missing or malformed.
    """
    metadata = read_table(path, SCHEMA).schema.metadata
    try:
        return dict(json.loads(metadata[PREPARATION.encode()]))
    except (KeyError, TypeError, ValueError):
        raise ArtifactError(f"{path}: no preparation in its metadata; run dvc repro fetch") from None


def read_normalization(path: Path, *, channels: int) -> Normalization:
    """Read the normalization of images with ``channels``.

    Raises:
        ArtifactError: missing or malformed.
    """
    metadata = read_table(path, SCHEMA).schema.metadata
    try:
        found = Normalization(**json.loads(metadata[NORMALIZATION.encode()]))
        values = np.array(found, dtype=float)
    except (KeyError, TypeError, ValueError):
        raise ArtifactError(f"{path}: no normalization in its metadata; run dvc repro fetch") from None
    if values.shape != (2, channels) or not np.isfinite(values).all() or (values[1] <= 0).any():
        raise ArtifactError(f"{path}: normalization {found}, expected that of {channels} channels; run dvc repro fetch")
    return found
