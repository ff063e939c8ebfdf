"""Read and write the cluster of each image: ``data/artifacts/baselines.parquet`` and ``predictions.parquet``."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute

from scan_core.artifacts.tables import read_table, write_table
from scan_core.errors import ArtifactError

BASELINES = pa.schema([("method", pa.string()), ("image_id", pa.int64()), ("cluster", pa.int32())])

PREDICTIONS = pa.schema(
    [("step", pa.string()), ("image_id", pa.int64()), ("cluster", pa.int32()), ("confidence", pa.float32())]
)
"""Beside ``probabilities``, whose type has the number of clusters in it."""


class Predictions(NamedTuple):
    """The predictions of one step's model."""

    step: str
    """``scan`` or ``self_label``."""
    image_id: npt.NDArray[np.int64]
    """[N]"""
    probabilities: npt.NDArray[np.float32]
    """[N, C], rows sum to 1."""

    @property
    def cluster(self) -> npt.NDArray[np.int64]:
        """Return the most probable cluster of each image, [N]."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> npt.NDArray[np.float32]:
        """Return the probability of that cluster, [N], in [1/C, 1]."""
        return self.probabilities.max(axis=1)


def write_predictions(path: Path, steps: list[Predictions]) -> None:
    """Write the predictions of all ``steps`` as one long table."""
    tables = []
    for step in steps:
        clusters = step.probabilities.shape[1]
        probabilities = pa.FixedSizeListArray.from_arrays(pa.array(step.probabilities.ravel()), clusters)
        tables.append(
            pa.table(
                {
                    "step": pa.array([step.step] * len(step.image_id)),
                    "image_id": pa.array(step.image_id, pa.int64()),
                    "cluster": pa.array(step.cluster, pa.int32()),
                    "confidence": pa.array(step.confidence, pa.float32()),
                    "probabilities": probabilities,
                }
            )
        )
    write_table(path, pa.concat_tables(tables))


def read_predictions(path: Path, *, image_ids: npt.NDArray[np.int64]) -> list[Predictions]:
    """Read the predictions of each step, for ``image_ids``.

    Raises:
        ArtifactError: missing, malformed, or a step with other images.
    """
    table = read_table(path, PREDICTIONS, further_columns=True)
    if "probabilities" not in table.column_names:
        raise ArtifactError(f"{path}: no column probabilities; run dvc repro evaluate")
    steps = []
    for step in dict.fromkeys(table["step"].to_pylist()):
        rows = table.filter(pa.compute.equal(table["step"], step)).combine_chunks()
        if not np.array_equal(rows["image_id"].to_numpy(), image_ids):
            raise ArtifactError(f"{path}: {step} has other images than those to evaluate; run dvc repro evaluate")
        probabilities = rows["probabilities"].combine_chunks().flatten().to_numpy()
        steps.append(Predictions(step, image_ids, probabilities.reshape(len(image_ids), -1)))
    return steps


def write_baselines(path: Path, clusters: dict[str, npt.NDArray[np.integer]]) -> None:
    """Write ``clusters``, method -> cluster of each image [N], as one long table."""
    tables = [
        pa.table([[method] * len(cluster), np.arange(len(cluster)), cluster.astype(np.int32)], schema=BASELINES)
        for method, cluster in clusters.items()
    ]
    write_table(path, pa.concat_tables(tables))


def read_baselines(path: Path, *, rows: int) -> dict[str, npt.NDArray[np.int32]]:
    """Read method -> cluster of each of ``rows`` images.

    Raises:
        ArtifactError: missing, malformed, a null or negative value, or a method without exactly one row per image.
    """
    table = read_table(path, BASELINES)
    frame: pd.DataFrame = table.to_pandas()
    if any(table[name].null_count for name in BASELINES.names) or (frame["cluster"] < 0).any():
        raise ArtifactError(f"{path}: nulls or negative clusters, expected none; run dvc repro baselines")
    methods = {}
    for method, group in frame.groupby("method", sort=False):
        if not np.array_equal(group["image_id"], np.arange(rows)):
            raise ArtifactError(
                f"{path}: {len(group)} rows for {method}, expected {rows} (image_id 0..{rows - 1} in order)"
            )
        methods[str(method)] = group["cluster"].to_numpy()
    return methods
