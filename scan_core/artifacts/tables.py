"""Write Parquet tables with a schema version, and check them when they are read."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scan_core.artifacts.atomic import atomic_path
from scan_core.errors import ArtifactError

SCHEMA_VERSION = "1"
VERSION_KEY = b"scan_schema_version"


def write_table(path: Path, table: pa.Table, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write ``table`` atomically, with ``metadata`` in its schema; equal tables give equal bytes."""
    extra = {key.encode(): value.encode() for key, value in (metadata or {}).items()}
    stamped = table.replace_schema_metadata({VERSION_KEY: SCHEMA_VERSION.encode(), **extra})
    with atomic_path(path) as temporary:
        pq.write_table(stamped, temporary, compression="zstd")


def read_table(path: Path, schema: pa.Schema, *, further_columns: bool = False) -> pa.Table:
    """Read a table that :func:`write_table` wrote.

    Args:
        schema: the expected columns, in order, with their types.
        further_columns: whether columns after those of ``schema`` are allowed.

    Raises:
        ArtifactError: the file is missing or no Parquet, or its version or columns differ from ``schema``.
    """
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; run the stage that writes it (dvc repro)") from None
    except (pa.ArrowException, OSError) as error:
        raise ArtifactError(f"{path}: not a readable Parquet file ({error}); delete it and run dvc repro") from error
    version = (table.schema.metadata or {}).get(VERSION_KEY, b"none").decode()
    if version != SCHEMA_VERSION:
        raise ArtifactError(f"{path}: schema version {version}, expected {SCHEMA_VERSION}; run dvc repro")
    found = list(zip(table.schema.names, table.schema.types, strict=True))
    expected = list(zip(schema.names, schema.types, strict=True))
    if found[: len(expected)] != expected or (len(found) > len(expected) and not further_columns):
        raise ArtifactError(f"{path}: columns {_columns(found)}, expected {_columns(expected)}")
    return table


def check_row_ids(path: Path, table: pa.Table, *, rows: int | None = None) -> None:
    """Raise ArtifactError unless ``image_id`` is 0..N-1 in order; ``rows`` is the expected N."""
    if rows is not None and len(table) != rows:
        raise ArtifactError(
            f"{path}: {len(table)} rows, expected {rows} (one per image in data/artifacts/images); run dvc repro"
        )
    if not table["image_id"].equals(pa.chunked_array([pa.array(range(len(table)), pa.int64())])):
        raise ArtifactError(f"{path}: image_id is not 0..{len(table) - 1} in order")


def _columns(columns: list[tuple[str, pa.DataType]]) -> str:
    return ", ".join(f"{name}: {kind}" for name, kind in columns)
