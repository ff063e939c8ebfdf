"""``folder``: any tree of image files, with or without class folders and split folders."""

import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scan_core.datasets.dataset import SPLITS, Dataset, Skipped, Source
from scan_core.datasets.description import Description
from scan_core.datasets.label_file import read_label_file
from scan_core.datasets.source import local_path
from scan_core.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
EXPECTED = f"a folder of pictures ({', '.join(suffix[1:] for suffix in SUFFIXES)})"


class _Tree(NamedTuple):
    """What a tree holds, as paths relative to its root."""

    pictures: list[str]
    others: list[str]
    """Files whose names are not those of images."""
    skipped: list[Skipped]


def folder(source: Source, *, labels_file: Path | None = None, key: str = "data.source") -> Dataset:
    """Open every image file below ``source``, as RGB; names that start with a dot are ignored.

    If every first-level folder is named after one of ``SPLITS``, these are the splits, and the next level counts as the
    first; otherwise all is ``train``. Within a split, the first-level folder is the class, unless some image lies in
    none: then the split is unlabeled.

    Args:
        labels_file: a CSV file that names the classes instead of the folders; an image that it lacks is unlabeled.
        key: the name of the parameter ``source``, for messages.

    Raises:
        DataError: no folder at ``source``, no image in it, or a faulty ``labels_file``.
    """
    root = local_path(source, name="folder", expected=EXPECTED, key=key)
    if not root.is_dir():
        raise DataError(f"{key}: {root} is a file, expected {EXPECTED}")
    tree = _walk(root)
    if not tree.pictures:
        raise DataError(
            f"{key}: no picture in {root} ({len(tree.others)} other files, {len(tree.skipped)} unusable), "
            f"expected {EXPECTED}; correct the path"
        )
    split, names = _splits_and_classes([tuple(path.split("/")) for path in tree.pictures])
    if labels_file is not None:
        names = read_label_file(labels_file, [_printable(path) for path in tree.pictures])
    classes = sorted({name for name in names if name is not None})
    number: dict[str | None, int] = {None: -1, **{name: i for i, name in enumerate(classes)}}
    return Dataset(
        channels=3,
        split=np.array(split, dtype=object),
        label=np.array([number[name] for name in names], dtype=np.int64),
        classes=tuple(_printable(name) for name in classes),
        path=[_printable(path) for path in tree.pictures],
        read=lambda rows: (root / tree.pictures[row] for row in rows),
        skipped=tuple(tree.skipped),
    )


def _splits_and_classes(paths: list[tuple[str, ...]]) -> tuple[list[str], list[str | None]]:
    """Return the split and the class (None if unlabeled) of each path, given as its parts."""
    if all(len(parts) > 1 and parts[0] in SPLITS for parts in paths):
        split, rest = [parts[0] for parts in paths], [parts[1:] for parts in paths]
    else:
        split, rest = ["train"] * len(paths), paths
    unlabeled = {name for name, parts in zip(split, rest, strict=True) if len(parts) == 1}
    return split, [None if name in unlabeled else parts[0] for name, parts in zip(split, rest, strict=True)]


def _walk(root: Path) -> _Tree:
    """Find the image files; enter each folder once, by its real name if the tree has it, so that loops of links end."""
    tree = _Tree([], [], [])
    seen: set[tuple[int, int]] = set()
    folders, links = deque([""]), deque[str]()
    while folders or links:
        folder = (folders or links).popleft()
        try:
            for entry in _enter(root / folder, seen):
                path = f"{folder}/{entry.name}".lstrip("/")
                if _holds(entry.is_dir):
                    (links if entry.is_symlink() else folders).append(path)
                else:
                    _sort_in(tree, path, regular=_holds(entry.is_file))
        except OSError as error:
            tree.skipped.append(Skipped(_printable(folder), f"folder cannot be read ({error.strerror})"))
    tree.pictures.sort()
    tree.skipped.sort()
    return tree


def _enter(folder: Path, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """Return the entries of ``folder`` and add it to ``seen``; return none if it was there."""
    status = folder.stat()
    if (status.st_dev, status.st_ino) in seen:
        return []
    seen.add((status.st_dev, status.st_ino))
    with os.scandir(folder) as entries:
        return sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)


def _holds(test: Callable[[], bool]) -> bool:
    try:
        return test()
    except OSError:  # a link to itself, or into a folder without permission
        return False


def _sort_in(tree: _Tree, path: str, *, regular: bool) -> None:
    if not path.lower().endswith(SUFFIXES):
        tree.others.append(path)
    elif regular:
        tree.pictures.append(path)
    else:
        tree.skipped.append(Skipped(_printable(path), "not a file, or a link to nothing"))


def _printable(name: str) -> str:
    """Return ``name`` with bytes that are not UTF-8 as ``\\xNN``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


FOLDER = Description(
    lambda place: folder(place.source, labels_file=place.labels_file),
    channels=3,
    image_size=None,
    images=None,
    classes=None,
    needs_source=True,
    takes_labels_file=True,
)
