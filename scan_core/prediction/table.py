"""The table of new pictures: most probable clusters, novelty and, where asked for, all probabilities."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float32, Int64

from scan_core.artifacts.atomic import atomic_path
from scan_core.errors import DataError
from scan_core.naming.groups import Groups, ranked

MOST = 3
"""Clusters of a picture that have columns."""
CHUNK = 10_000
"""Rows that are written together."""
DECIMALS = {"novelty": 2}
"""Of text formats; other numbers have ``OTHERWISE``."""
OTHERWISE = 7


class Rows(NamedTuple):
    """What the table says of some pictures."""

    row: Int64[np.ndarray, " pictures"]
    """Their numbers among all."""
    group: Int64[np.ndarray, " pictures"]
    """Of the most probable name."""
    cluster: Int64[np.ndarray, "pictures most"]
    """The most probable cluster of each of the most probable names, -1 beyond the last."""
    confidence: Float32[np.ndarray, "pictures most"]
    """The probability of each of these names, NaN beyond the last."""
    novelty: Float32[np.ndarray, " pictures"]
    """In [0, 100]; NaN where it is not known."""


def rows_of(
    row: Int64[np.ndarray, " pictures"],
    probabilities: Float32[np.ndarray, "pictures clusters"],
    novelty: Float32[np.ndarray, " pictures"] | None,
    grouped: Groups,
) -> Rows:
    """Return what the table says of pictures to which a model gives these ``probabilities``."""
    best = ranked(probabilities, grouped, most=MOST)
    missing = ((0, 0), (0, MOST - best.group.shape[1]))
    return Rows(
        row,
        best.group[:, 0],
        np.pad(best.cluster, missing, constant_values=-1),
        np.pad(best.confidence, missing, constant_values=np.nan),
        np.full(len(row), np.nan, np.float32) if novelty is None else novelty,
    )


def joined(parts: Sequence[Rows]) -> Rows:
    """Return all rows name by name, in the order of their first clusters, the surest first."""
    whole = Rows(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    order = np.lexsort((-whole.confidence[:, 0], whole.group))
    return Rows(*(column[order] for column in whole))


def check_ending(path: Path) -> None:
    """Raise DataError unless the name ends as one of ``FORMATS`` does."""
    if path.suffix.lower() not in FORMATS:
        raise DataError(f"--output: {path} ends in {path.suffix or 'nothing'}, expected one of {', '.join(FORMATS)}")


def write_table(
    path: Path,
    rows: Rows,
    paths: Sequence[str],
    names: Sequence[str],
    probabilities: Float32[np.ndarray, "all clusters"] | None,
) -> None:
    """Write the table in the format that the name's ending says.

    Args:
        paths: of all pictures, by their number.
        names: of each group.
        probabilities: by the pictures' numbers; None leaves them out.
    """
    chunks = (
        _chunk(Rows(*(column[start : start + CHUNK] for column in rows)), paths, names, probabilities)
        for start in range(0, len(rows.row), CHUNK)
    )
    with atomic_path(path) as temporary:
        FORMATS[path.suffix.lower()](temporary, chunks)


def _chunk(
    rows: Rows,
    paths: Sequence[str],
    names: Sequence[str],
    probabilities: Float32[np.ndarray, "all clusters"] | None,
) -> pa.Table:
    columns: dict[str, pa.Array] = {"path": pa.array([paths[row] for row in rows.row.tolist()], pa.string())}
    for rank in range(MOST):
        suffix = f"_{rank + 1}" if rank else ""
        cluster, confidence = rows.cluster[:, rank], rows.confidence[:, rank]
        columns[f"cluster{suffix}"] = pa.array(cluster, pa.int32(), mask=cluster < 0)
        if not rank:
            columns["name"] = pa.array([names[group] for group in rows.group.tolist()], pa.string())
        columns[f"confidence{suffix}"] = pa.array(confidence, mask=np.isnan(confidence))
    columns["novelty"] = pa.array(rows.novelty, mask=np.isnan(rows.novelty))
    if probabilities is not None:
        chosen = probabilities[rows.row]
        columns["probabilities"] = pa.FixedSizeListArray.from_arrays(pa.array(chosen.ravel()), chosen.shape[1])
    return pa.table(columns)


def _write_csv(path: Path, chunks: Iterator[pa.Table]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        for number, chunk in enumerate(chunks):
            frame = _rounded(chunk)
            if "probabilities" in frame:
                each = np.stack(frame.pop("probabilities").to_list()).astype(np.float64).round(OTHERWISE)
                further = [f"probability_{cluster}" for cluster in range(each.shape[1])]
                frame = pd.concat([frame, pd.DataFrame(each, columns=further)], axis=1)
            frame.to_csv(file, index=False, header=not number, lineterminator="\n")


def _write_jsonl(path: Path, chunks: Iterator[pa.Table]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for chunk in chunks:
            for record in _rounded(chunk).to_dict("records"):
                if "probabilities" in record:
                    record["probabilities"] = record["probabilities"].astype(np.float64).round(OTHERWISE).tolist()
                file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _write_parquet(path: Path, chunks: Iterator[pa.Table]) -> None:
    first = next(chunks)
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for chunk in chunks:
            writer.write_table(chunk)


FORMATS: dict[str, Callable[[Path, Iterator[pa.Table]], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".jsonl": _write_jsonl,
}


def _rounded(chunk: pa.Table) -> pd.DataFrame:
    """Return the columns for a text format: numbers with as many decimals as mean something, None where empty."""
    frame = chunk.to_pandas(types_mapper={pa.int32(): pd.Int32Dtype()}.get)
    decimals = {name: DECIMALS.get(name, OTHERWISE) for name in frame.select_dtypes("floating")}
    rounded = frame.astype(dict.fromkeys(decimals, np.float64)).round(decimals)
    return rounded.astype(object).where(frame.notna(), None)
