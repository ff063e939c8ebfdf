"""The labels of Parquet files: a column of integers, booleans or text."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from scan_core.console.progress import warn
from scan_core.datasets import label_file
from scan_core.datasets.dataset import class_of
from scan_core.errors import DataError

LABEL_COLUMNS = (*label_file.LABEL_COLUMNS, "finelabel", "cls")
"""Names of columns, as ``find_column`` compares them; the first that exists is used."""
MOST = 2**31
"""Upper limit of class numbers (exclusive)."""
NUMBERS = "the numbers of classes"
TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)


class Column(NamedTuple):
    """One way to label the images of a file."""

    values: npt.NDArray[np.int64] | npt.NDArray[np.object_]
    """[n], -1 where unlabeled; or the names of the classes, None where unlabeled."""
    classes: tuple[str, ...]
    """Class names in the file's metadata; empty if there are none."""


class Labels(NamedTuple):
    """One way to label the images of all files."""

    label: npt.NDArray[np.int64]
    """[N], -1 where unlabeled."""
    classes: tuple[str, ...]


def label_columns(path: Path, schema: pa.Schema) -> tuple[str, ...]:
    """Return the first of ``LABEL_COLUMNS`` that exists, else the only one with class names in the metadata.

    A column whose type cannot be classes is ignored, with a warning.
    """
    usable = [field.name for field in schema if _are_classes(field.type)]
    named = [name for name in usable if _classes(schema, name) and name != split_column(schema)]
    found = label_file.find_column(usable, LABEL_COLUMNS) or (named[0] if len(named) == 1 else None)
    found = found or label_file.find_column(schema.names, LABEL_COLUMNS)
    if found is None:
        return ()
    if found not in usable:
        warn(f"{path}: column {found} of {schema.field(found).type} cannot be classes and is ignored")
        return ()
    return (found,)


def split_column(schema: pa.Schema) -> str | None:
    """Return the name of the column ``split``, if there is one of text, or of numbers that the metadata name."""
    kinds = {field.name: field.type for field in schema}
    usable = [
        name
        for name, kind in kinds.items()
        if _is_text(kind.value_type if pa.types.is_dictionary(kind) else kind)
        or (pa.types.is_integer(kind) and _classes(schema, name))
    ]
    return label_file.find_column(usable, ("split",))


def read_split(column: pa.ChunkedArray, schema: pa.Schema, name: str) -> list[str | None]:
    """Return the text in ``column``, or the names of its numbers; None where there is none."""
    names = dict(enumerate(_classes(schema, name))) if pa.types.is_integer(column.type) else None
    return column.to_pylist() if names is None else [names.get(number) for number in column.to_pylist()]


def read_column(path: Path, column: pa.ChunkedArray, schema: pa.Schema, name: str) -> Column:
    """Return the labels in ``column``, with the class names of a Hugging Face ``schema``.

    Args:
        path: path of the file, for messages.

    Raises:
        DataError: a number is beyond 64 bits.
    """
    if pa.types.is_dictionary(column.type):  # such as the categories of pandas
        column = column.cast(column.type.value_type)
    if _is_text(column.type):
        names = [None if text is None else class_of(text) for text in column.to_pylist()]
        return Column(np.array(names, dtype=object), ())
    if pa.types.is_floating(column.type):  # pandas stores integers with missing values so
        column = column.cast(pa.float64())
        column = pc.if_else(pc.is_finite(column), column, None)
        if not pc.all(pc.equal(column, pc.floor(column)), min_count=0).as_py():
            warn(f"column {name} of {column.type} has fractions, which cannot be classes; it is ignored")
            return no_labels(len(column))
    try:
        numbers = column.cast(pa.int64())
    except pa.ArrowInvalid:
        raise _wrong(_too_large(path, name, pc.max(column), MOST, NUMBERS)) from None
    return Column(np.maximum(numbers.fill_null(-1).to_numpy(), -1), _classes(schema, name))


def no_labels(count: int) -> Column:
    """Return a column without labels."""
    return Column(np.full(count, -1), ())


def join(root: Path, name: str, columns: Sequence[Column]) -> Labels:
    """Return the labels ``name`` of all files below ``root``.

    Raises:
        DataError: their class names differ, some are text and some numbers, or a number has no name.
    """
    if any(column.values.dtype == object for column in columns):
        return _numbered(root, name, columns)
    label = np.concatenate([column.values for column in columns]).astype(np.int64)
    lists = {column.classes for column in columns if column.values.max(initial=-1) >= 0}
    if len(lists) > 1:
        raise _wrong(
            f"{root}: its files name different classes ({'; '.join(map(str, sorted(lists)))}), expected the same in "
            "each; convert those that differ"
        )
    classes = lists.pop() if lists else ()
    allowed = len(classes) or MOST
    if label.max(initial=-1) >= allowed:
        known = f"the {allowed} classes that the files name" if classes else NUMBERS
        raise _wrong(_too_large(root, name, label.max(), allowed, known))
    return Labels(label, classes)


def _too_large(path: Path, name: str, found: object, allowed: int, known: str) -> str:
    return (
        f"{path}: found {found} in the column {name}, expected 0..{allowed - 1} ({known}) or -1 (unlabeled); convert "
        "the column"
    )


def _wrong(message: str) -> DataError:
    return DataError(f"{message}, or take none of the labels", argument="labels")


def _numbered(root: Path, name: str, columns: Sequence[Column]) -> Labels:
    """Number the classes of text columns."""
    values = [value for column in columns for value in column.values.tolist()]
    names = {value for value in values if value not in (None, -1)}
    if not all(isinstance(each, str) for each in names):
        raise _wrong(
            f"{root}: the column {name} is text in some files and numbers in others, expected one of them; convert "
            "those that differ"
        )
    classes = tuple(sorted(names))
    number = {None: -1, -1: -1, **{each: i for i, each in enumerate(classes)}}
    return Labels(np.array([number[value] for value in values], np.int64), classes)


def _are_classes(type: pa.DataType) -> bool:
    if pa.types.is_dictionary(type):
        return _are_classes(type.value_type)
    return any(test(type) for test in (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, _is_text))


def _is_text(type: pa.DataType) -> bool:
    return any(test(type) for test in TEXT)


def _classes(schema: pa.Schema, column: str) -> tuple[str, ...]:
    try:
        names = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"][column]["names"]
        if isinstance(names, dict):
            names = [names[str(label)] for label in range(len(names))]
        return tuple(str(name).encode().decode() for name in names)  # raises for lone surrogates
    except (KeyError, TypeError, ValueError, RecursionError):
        return ()
