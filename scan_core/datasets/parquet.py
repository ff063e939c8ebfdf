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

from scan_core.datasets.dataset import SPLITS, Dataset, Source, Stored
from scan_core.datasets.description import Description
from scan_core.datasets.parquet_images import UNREADABLE, read_images, unreadable
from scan_core.datasets.source import local_path
from scan_core.errors import DataError

IMAGE_COLUMNS = ("image", "img")


class _Column(NamedTuple):
    """One way to label the images."""

    label: npt.NDArray[np.int64]
    """[n], -1 where unlabeled."""
    classes: tuple[str, ...]


class _File(NamedTuple):
    path: Path
    image: str
    """The column of images."""
    labels: dict[str, _Column]
    origin: list[str]
    """[n], the origin of each image."""


def parquet(source: Source, *, labels: tuple[str, ...] = ()) -> Dataset:
    """Open the column ``image`` or ``img``, as RGB; the split is the file name's prefix (``train`` if it has none).

    Args:
        labels: the column of labels, then those of further labels. By default ``label``; a file without it is
            unlabeled.

    Raises:
        DataError: no file, another layout, class names that differ among files, or a label without a name.
    """
    root = local_path(source, name="parquet", expected="a Parquet file or a folder of them")
    files = [_describe(path, labels) for path in _find(root)]
    starts = np.cumsum([0, *(len(file.origin) for file in files)])

    def read(rows: npt.NDArray[np.int64]) -> Iterator[Stored]:
        for file, start, stop in zip(files, starts, starts[1:], strict=False):
            yield from read_images(file.path, file.image, rows[(rows >= start) & (rows < stop)] - start)

    columns = {name: _join(root, name, [file.labels[name] for file in files]) for name in files[0].labels}
    first, *further = columns
    return Dataset(
        channels=3,
        split=np.concatenate([np.full(len(file.origin), _split(file.path), object) for file in files]),
        label=columns[first].label,
        classes=columns[first].classes,
        path=[origin for file in files for origin in file.origin],
        read=read,
        further={name: columns[name].label for name in further},
    )


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


def _describe(path: Path, labels: tuple[str, ...]) -> _File:
    """Read everything but the images."""
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
            if not 0 <= rows <= path.stat().st_size:
                raise ValueError(f"claims {rows} rows")
            image = _check_layout(path, schema, labels)
            has_path = _fields(schema.field(image).type).get("path") in (pa.string(), pa.large_string())
            present = [name for name in labels or ("label",) if name in schema.names]
            table = file.read(columns=present + [f"{image}.path"] * has_path)
        names = pc.struct_field(table[image], "path").to_pylist() if has_path else [None] * rows
        columns = {name: _Column(_labels(table[name]), _classes(schema, name)) for name in present}
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    origin = [name or f"{path.name}#{row}" for row, name in enumerate(names)]
    return _File(path, image, columns or {"label": _Column(np.full(rows, -1), ())}, origin)


def _check_layout(path: Path, schema: pa.Schema, labels: tuple[str, ...]) -> str:
    """Return the column of images; check that ``labels`` exist (``label`` need not)."""
    types = dict(zip(schema.names, schema.types, strict=True))
    image = next((name for name in IMAGE_COLUMNS if name in types), None)
    encoded = image and _fields(types[image]).get("bytes", types[image])
    integers = all(pa.types.is_integer(types[name]) for name in labels or ("label",) if name in types)
    complete = set(labels) <= set(types) and len(types) == len(schema.names)
    if image is None or encoded not in (pa.binary(), pa.large_binary()) or not integers or not complete:
        found = ", ".join(f"{field.name}: {field.type}" for field in schema)
        wanted = " and ".join(labels) or "optionally label"
        raise DataError(
            f"{path}: columns {found or 'none'}, expected image or img (struct<bytes, path> or binary) and {wanted} "
            "(integer), each name once; convert the file or correct data.source"
        )
    return image


def _fields(kind: pa.DataType) -> dict[str, pa.DataType]:
    return {field.name: field.type for field in kind} if pa.types.is_struct(kind) else {}


def _labels(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Return the labels [n], -1 where null or negative."""
    return np.maximum(column.cast(pa.int64()).fill_null(-1).to_numpy(), -1)


def _classes(schema: pa.Schema, column: str) -> tuple[str, ...]:
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return tuple(str(name).encode().decode() for name in features[column]["names"])  # a lone surrogate is no name
    except (KeyError, TypeError, ValueError, RecursionError):
        return ()


def _join(root: Path, name: str, columns: list[_Column]) -> _Column:
    label = np.concatenate([column.label for column in columns])
    lists = {column.classes for column in columns if column.label.max(initial=-1) >= 0}
    if len(lists) > 1:
        raise DataError(f"{root}: its files name different classes: {'; '.join(map(str, sorted(lists)))}")
    classes = lists.pop() if lists else ()
    allowed = len(classes) or 2**31
    if label.max(initial=-1) >= allowed:
        raise DataError(f"{root}: {name} {label.max()}, expected 0..{allowed - 1} or -1 (unlabeled)")
    return _Column(label, classes)


PARQUET = Description(
    lambda place: parquet(place.source),
    channels=3,
    image_size=None,
    images=None,
    classes=None,
    needs_source=True,
)
