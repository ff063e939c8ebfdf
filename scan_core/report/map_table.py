"""``map.parquet``: where each evaluated image lies on the map, its cluster, and where it came from."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Float32, Int

from scan_core.artifacts.tables import read_table, write_table
from scan_core.errors import ArtifactError

SCHEMA = pa.schema(
    {
        "x": pa.float32(),
        "y": pa.float32(),
        "cluster": pa.int32(),
        "name": pa.string(),
        "confidence": pa.float32(),
        "path": pa.string(),
    }
)


class Plane(NamedTuple):
    """Where each image lies."""

    places: Float32[np.ndarray, "images 2"]
    projection: str
    """``umap`` or ``pca``."""
    reason: str = ""
    """Why it is not the one asked for."""


def write_map(
    path: Path,
    plane: Plane,
    clusters: Int[np.ndarray, " images"],
    confidence: Float[np.ndarray, " images"],
    names: Sequence[str],
    paths: Sequence[str],
) -> None:
    """Write one row per image: ``x``, ``y``, ``cluster``, ``name``, ``confidence``, ``path``.

    Args:
        names: of each cluster.
        paths: the origin of each image.
    """
    values = [
        *plane.places.T,
        clusters.astype(np.int32),
        [names[cluster] for cluster in clusters],
        confidence.astype(np.float32),
        list(paths),
    ]
    metadata = {"projection": plane.projection, "reason": plane.reason}
    write_table(path, pa.table(values, schema=SCHEMA), metadata=metadata)


def read_map(path: Path, *, rows: int) -> Plane:
    """Read the places that :func:`write_map` wrote.

    Raises:
        ArtifactError: no such table, or not of ``rows`` images.
    """
    table = _read(path, rows)
    places = np.stack([table["x"].to_numpy(), table["y"].to_numpy()], axis=1)
    known = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    return Plane(places, known.get("projection", "pca"), known.get("reason", ""))


def read_paths(path: Path, *, rows: int) -> list[str]:
    """Read the origin of each image, as ``labels.parquet`` has it, from what :func:`write_map` wrote.

    Raises:
        ArtifactError: no such table, or not of ``rows`` images.
    """
    return _read(path, rows)["path"].to_pylist()


def _read(path: Path, rows: int) -> pa.Table:
    table = read_table(path, SCHEMA)
    if len(table) != rows:
        raise ArtifactError(f"{path}: {len(table)} rows, expected {rows} (one per evaluated image); run dvc repro")
    return table
