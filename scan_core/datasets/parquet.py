"""``parquet``: images in the Hugging Face layout, one file or a folder of them."""

import re
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scan_core.console.progress import warn
from scan_core.datasets.dataset import SPLITS, Dataset, Source, Stored, split_of, words
from scan_core.datasets.description import Description
from scan_core.datasets.parquet_images import UNREADABLE, read_images, unreadable
from scan_core.datasets.parquet_labels import (
    Column,
    join,
    label_columns,
    no_labels,
    read_column,
    read_split,
    split_column,
)
from scan_core.datasets.source import local_path
from scan_core.datasets.walk import enter, printable
from scan_core.errors import DataError

SUFFIXES = (".parquet", ".parq", ".pq")
IMAGE_COLUMNS = ("image", "img")
BYTES = (pa.binary(), pa.large_binary(), pa.binary_view())


class _File(NamedTuple):
    path: Path
    image: str
    """The column of images."""
    labels: dict[str, Column]
    origin: list[str]
    """[n], the origin of each image."""
    split: list[str | None]
    """[n], what the column ``split`` says; empty if there is none."""


def parquet(source: Source, *, labels: tuple[str, ...] = (), unlabeled: bool = False) -> Dataset:
    """Open the RGB images in the column ``image`` or ``img``, or in the only column of a type for images.

    The split is that in a column ``split``, else the last word in the file's name that names one, else its folder's
    name; ``train`` if none does.

    Args:
        labels: the integer column of labels, then columns of further labels. By default, the first of
            ``LABEL_COLUMNS`` that exists, else the only column with class names in the metadata, of integers, strings
            or booleans; a file without one is unlabeled.
        unlabeled: whether to ignore all columns of labels.

    Raises:
        DataError: no file, another layout, class names that differ among files, or a label without a name.
    """
    root = local_path(source, name="parquet", expected="a Parquet file or a folder of them")
    found = _find(root)
    described = [_describe(path, labels, unlabeled=unlabeled) for path in found]
    files = [file for file in described if file.origin] or described[:1]  # an empty one may have any columns
    if not labels:
        files = _with_common_labels(root, files)
    starts = np.cumsum([0, *(len(file.origin) for file in files)])

    def read(rows: npt.NDArray[np.int64]) -> Iterator[Stored]:
        for file, start, stop in zip(files, starts, starts[1:], strict=False):
            yield from read_images(file.path, file.image, rows[(rows >= start) & (rows < stop)] - start)

    columns = {name: join(root, name, [file.labels[name] for file in files]) for name in files[0].labels}
    first, *further = columns
    return Dataset(
        channels=3,
        split=np.array(_splits(root, files), object),
        label=columns[first].label,
        classes=columns[first].classes,
        path=[origin for file in files for origin in file.origin],
        read=read,
        left_out=_others(root, found),
        further={name: columns[name].label for name in further},
    )


def _find(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    files = sorted(path for path in _files(root) if path.suffix.lower() in SUFFIXES)
    if not files:
        names = sorted(path.name for path in root.iterdir())
        raise DataError(
            f"{root}: no *.parquet among its {len(names)} entries ({', '.join(names[:3]) or 'empty'}), expected a "
            "Parquet file or a folder of them; give another source",
            argument="source",
        )
    return files


def _files(root: Path) -> Iterator[Path]:
    """Yield the files below ``root``, except hidden ones; a folder once, where it lies if links lead to it, too."""
    seen: set[tuple[int, int]] = set()
    folders, links = deque([root]), deque[Path]()
    while folders or links:
        folder = (folders or links).popleft()
        for entry in enter(folder, seen):
            path = folder / entry.name
            if entry.name.startswith("."):
                continue
            if path.is_dir():
                (links if path.is_symlink() else folders).append(path)
            elif path.is_file():
                yield path


def _others(root: Path, found: list[Path]) -> Counter[str]:
    """Count the files below ``root`` that are not in ``found``, by suffix."""
    others = () if root.is_file() else set(_files(root)) - set(found)
    return Counter(printable(path.suffix.lower()) or "without a suffix" for path in others)


def _splits(root: Path, files: list[_File]) -> list[str | None]:
    """Return the split of each image: that of the column ``split``, if all that it holds are splits.

    Where a row of it is empty, the split is that of the file.
    """
    texts = {text for file in files for text in file.split if text}
    known = {text: split_of(text) for text in texts}
    if others := sorted(text for text, split in known.items() if not split):
        warn(f"{root}: column split holds {others[0]!r}, which names no split; the column is ignored")
    of_files = [
        [known[text] if text and not others else own for text in file.split or [None] * len(file.origin)]
        for file in files
        for own in [_split_by_name(root, file.path)]
    ]
    return [split for splits in of_files for split in splits]


def _split_by_name(root: Path, path: Path) -> str:
    named = words(path.stem)
    pairs = reversed(list(zip(["", *named], named, strict=False)))
    of_words = (SPLITS.get(before + word) or SPLITS.get(word) for before, word in pairs)
    folders = path.relative_to(root).parts[:-1]  # the Hugging Face Hub converts the first part of large ones
    of_folders = (split_of(re.sub("^(partial-|split=)", "", folder)) for folder in reversed(folders))
    return next(filter(None, (*of_words, *of_folders)), "train")


def _with_common_labels(root: Path, files: list[_File]) -> list[_File]:
    """Return ``files`` with one column of labels in each; a file that lacks it is unlabeled."""
    names = {name for file in files for name in file.labels}
    if len(names) > 1:
        raise DataError(
            f"{root}: labels in columns {' and '.join(sorted(names))}, expected one name in all files; rename the "
            "columns, or take none of the labels",
            argument="labels",
        )
    name = next(iter(names), "label")
    return [file._replace(labels=file.labels or {name: no_labels(len(file.origin))}) for file in files]


def _describe(path: Path, labels: tuple[str, ...], *, unlabeled: bool) -> _File:
    """Read everything but the images."""
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
            if not 0 <= rows <= path.stat().st_size:
                raise ValueError(f"claims {rows} rows")
            if not rows:
                return _File(path, "", {name: no_labels(0) for name in labels or ("label",)}, [], [])
            image = _check_layout(path, schema, labels)
            has_path = _fields(schema.field(image).type).get("path") in (pa.string(), pa.large_string())
            present = () if unlabeled else labels or label_columns(path, schema)
            column = split_column(schema)
            wanted = [*present] + [f"{image}.path"] * has_path + [column] * bool(column)
            table = file.read(columns=wanted)
        names = pc.struct_field(table[image], "path").to_pylist() if has_path else [None] * rows
        columns = {name: read_column(path, table[name], schema, name) for name in present}
        split = read_split(table[column], schema, column) if column else []
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    origin = [name or f"{path.name}#{row}" for row, name in enumerate(names)]
    return _File(path, image, columns, origin, split)


def _check_layout(path: Path, schema: pa.Schema, labels: tuple[str, ...]) -> str:
    """Return the column of images, and check that ``labels`` exist."""
    types = dict(zip(schema.names, schema.types, strict=True))
    images = [name for name, type in types.items() if _fields(type).get("bytes", type) in BYTES]
    image = next((name for name in IMAGE_COLUMNS if name in images), images[0] if len(images) == 1 else None)
    integers = all(pa.types.is_integer(types.get(name)) for name in labels if name in types)
    complete = set(labels) <= set(types) and len(types) == len(schema.names)
    if image is None or not integers or not complete:
        found = ", ".join(f"{field.name}: {field.type}" for field in schema)
        wanted = f" and {' and '.join(labels)} (integer)" if labels else ""
        raise DataError(
            f"{path}: columns {found or 'none'}, expected image, img or but one of images (struct<bytes, path> or "
            f"binary){wanted}, each name once; convert the file or give another source",
            argument="source",
        )
    return image


def _fields(kind: pa.DataType) -> dict[str, pa.DataType]:
    return {field.name: field.type for field in kind} if pa.types.is_struct(kind) else {}


PARQUET = Description(
    lambda place: parquet(place.source, unlabeled=not place.labels),
    channels=3,
    image_size=None,
    images=None,
    classes=None,
    needs_source=True,
)
