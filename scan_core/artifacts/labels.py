"""``data/artifacts/labels.parquet``: the class of each image. Only ``evaluate`` may read it."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from scan_core.artifacts.tables import check_row_ids, read_table, write_table

SCHEMA = pa.schema(
    [("image_id", pa.int64()), ("label", pa.int32()), ("label_name", pa.string()), ("path", pa.string())]
)


def write_labels(
    path: Path,
    *,
    label: npt.NDArray[np.int64],
    label_name: list[str | None],
    origin: list[str],
    further: dict[str, npt.NDArray[np.int64]] | None = None,
) -> None:
    """Write the classes, row = image_id; a negative ``label`` means unlabeled (null in the file).

    Args:
        label_name: the name of each image's class, or None.
        origin: where each image came from (the column ``path``).
        further: further integer columns, such as ``fine_label``.
    """
    label_column = pa.array(label, pa.int32(), mask=np.asarray(label) < 0)
    table = pa.table([pa.array(range(len(label)), pa.int64()), label_column, label_name, origin], schema=SCHEMA)
    for name, values in (further or {}).items():
        table = table.append_column(name, pa.array(values, pa.int32()))
    write_table(path, table)


def read_labels(path: Path, *, rows: int) -> pd.DataFrame:
    """Read the classes of ``rows`` images; ``label`` is Int32 with NA where unlabeled.

    Raises:
        ArtifactError: missing, malformed, or not one row per image.
    """
    table = read_table(path, SCHEMA, further_columns=True)
    check_row_ids(path, table, rows=rows)
    frame = table.to_pandas()
    return frame.assign(label=table["label"].to_pandas(types_mapper={pa.int32(): pd.Int32Dtype()}.get))
