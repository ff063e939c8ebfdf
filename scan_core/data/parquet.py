"""``parquet``: images in the Hugging Face layout, one file or a folder of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scan_core.data.dataset import Dataset, Source, Stored
from scan_core.data.source import local_path
from scan_core.errors import DataError

SPLITS = ("train", "test", "validation", "val")
"""Recognized at the beginning of a file's name, before the first ``-`` or ``.``."""

LAYOUT = "image (struct<bytes, path> or binary) and optionally label (integer)"
UNREADABLE = (pa.ArrowException, OSError, ValueError)
"""What pyarrow raises on damaged files, text that is no UTF-8 and numbers too large for their type."""

BATCH_ROWS = 64
BUFFER_BYTES = 2**20


class _File(NamedTuple):
    path: Path
    rows: int
    label: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    origin: list[str]
    """Where each image came from."""


def parquet(source: Source) -> Dataset:
    """RGB images; the split is the file name's prefix (``train`` where it has none); no label column: unlabeled.

    Raises:
        DataError: no file, another layout, class names that differ among files, or a label without a name.
    """
    root = local_path(source, name="parquet", expected="a Parquet file or a folder of them")
    files = [_describe(path) for path in _find(root)]
    starts = np.cumsum([0, *(file.rows for file in files)])

    def read(rows: npt.NDArray[np.int64]) -> Iterator[Stored]:
        for file, start, stop in zip(files, starts, starts[1:], strict=False):
            yield from _read_rows(file.path, rows[(rows >= start) & (rows < stop)] - start)

    dataset = Dataset(
        channels=3,
        split=np.concatenate([np.full(file.rows, _split(file.path), object) for file in files]),
        label=np.concatenate([file.label for file in files]),
        classes=_common_classes(root, files),
        path=[origin for file in files for origin in file.origin],
        read=read,
    )
    return _with_checked_labels(root, dataset)


def _find(root: Path) -> list[Path]:
    files = [root] if root.is_file() else sorted(root.glob("*.parquet"))
    if not files:
        names = sorted(path.name for path in root.iterdir())
        raise DataError(
            f"{root}: no *.parquet among its {len(names)} entries ({', '.join(names[:3]) or 'empty'}), expected a "
            "Parquet file or a folder of them; correct data.source"
        )
    return files


def _split(path: Path) -> str:
    prefix = path.stem.replace(".", "-").split("-")[0]
    return prefix if prefix in SPLITS else "train"


def _describe(path: Path) -> _File:
    """Everything but the images themselves."""
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
            has_label, has_path = _check_layout(path, schema)
            table = file.read(columns=["label"] * has_label + ["image.path"] * has_path)
        label = table["label"].cast(pa.int64()).fill_null(-1).to_numpy() if has_label else np.full(rows, -1)
        names = pc.struct_field(table["image"], "path").to_pylist() if has_path else [None] * rows
    except UNREADABLE as error:
        raise _unreadable(path, error) from error
    origin = [name or f"{path.name}#{row}" for row, name in enumerate(names)]
    return _File(path, rows, np.maximum(label, -1).astype(np.int64), _classes(schema), origin)


def _check_layout(path: Path, schema: pa.Schema) -> tuple[bool, bool]:
    """Whether there are a label column and paths of the images."""
    types = dict(zip(schema.names, schema.types, strict=True))
    image, label = types.get("image"), types.get("label")
    fields = {field.name: field.type for field in image} if image is not None and pa.types.is_struct(image) else {}
    encoded = fields.get("bytes", image)
    if encoded not in (pa.binary(), pa.large_binary()) or (label is not None and not pa.types.is_integer(label)):
        found = ", ".join(f"{name}: {kind}" for name, kind in types.items())
        raise DataError(
            f"{path}: columns {found or 'none'}, expected {LAYOUT}; convert the file or correct data.source"
        )
    return label is not None, fields.get("path") in (pa.string(), pa.large_string())


def _classes(schema: pa.Schema) -> tuple[str, ...]:
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return tuple(str(name) for name in features["label"]["names"])
    except (KeyError, TypeError, ValueError):
        return ()


def _common_classes(root: Path, files: list[_File]) -> tuple[str, ...]:
    lists = {file.classes for file in files if file.label.max(initial=-1) >= 0}
    if len(lists) > 1:
        raise DataError(f"{root}: its files name different classes: {'; '.join(map(str, sorted(lists)))}")
    return lists.pop() if lists else ()


def _with_checked_labels(root: Path, dataset: Dataset) -> Dataset:
    allowed = len(dataset.classes) or 2**31
    if dataset.label.max(initial=-1) >= allowed:
        raise DataError(f"{root}: label {dataset.label.max()}, expected 0..{allowed - 1} or -1 (unlabeled)")
    return dataset


def _read_rows(path: Path, rows: npt.NDArray[np.int64]) -> Iterator[Stored]:
    """Yield the encoded images of ``rows``, ascending; row groups without one of them are not read."""
    try:
        with pq.ParquetFile(path, buffer_size=BUFFER_BYTES) as file:
            start = 0
            for group in range(file.num_row_groups):
                stop = start + file.metadata.row_group(group).num_rows
                wanted = rows[(rows >= start) & (rows < stop)]
                if len(wanted):
                    yield from _read_group(file, group, wanted - start)
                start = stop
    except UNREADABLE as error:
        raise _unreadable(path, error) from error


def _read_group(file: pq.ParquetFile, group: int, rows: npt.NDArray[np.int64]) -> Iterator[Stored]:
    is_struct = pa.types.is_struct(file.schema_arrow.field("image").type)
    start = 0
    for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=["image.bytes" if is_struct else "image"]):
        column = pc.struct_field(batch.column(0), "bytes") if is_struct else batch.column(0)
        wanted = rows[(rows >= start) & (rows < start + len(batch))] - start
        yield from column.take(pa.array(wanted)).to_pylist()
        start += len(batch)


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path}: not a readable Parquet file ({' '.join(str(error).split())}); replace it or correct data.source"
    )
