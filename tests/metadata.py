"""What a Parquet artifact says about itself."""

from pathlib import Path

import pyarrow.parquet as pq


def table_metadata(path: Path) -> dict[str, str]:
    """The schema's metadata."""
    return {key.decode(): value.decode() for key, value in (pq.read_schema(path).metadata or {}).items()}
