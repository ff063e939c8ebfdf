"""``files.parquet``: the SHA-256 of each picture's file as fetch read it, by which later changes are noticed."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import UInt8

from scan_core.artifacts.tables import check_row_ids, read_table, write_table
from scan_core.errors import ArtifactError

FILES = "files.parquet"
BYTES = 32
"""Of a SHA-256."""
NO_FILE = bytes(BYTES)
"""In place of the digest of an image that has no file of its own."""
SCHEMA = pa.schema([("image_id", pa.int64()), ("sha256", pa.binary(BYTES))])


def file_digest(path: Path) -> bytes:
    """Return the SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def write_file_digests(path: Path, digests: UInt8[np.ndarray, f"images {BYTES}"]) -> None:
    """Write the SHA-256 of each image's file; row = image_id."""
    values = pa.array([digest.tobytes() for digest in digests], pa.binary(BYTES))
    write_table(path, pa.table([np.arange(len(digests)), values], schema=SCHEMA))


def read_file_digests(path: Path, *, rows: int) -> list[bytes]:
    """Read the SHA-256 of each image's file; row = image_id.

    Args:
        rows: the expected number of images.

    Raises:
        ArtifactError: missing, malformed or not one row per image.
    """
    table = read_table(path, SCHEMA)
    check_row_ids(path, table, rows=rows)
    if table["sha256"].null_count:
        raise ArtifactError(f"{path}: holds nulls, expected none; run dvc repro --force --single-item fetch")
    return table["sha256"].to_pylist()
