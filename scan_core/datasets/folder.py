"""``folder``: any tree of image files, with or without class folders and split folders."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from scan_core.datasets.dataset import Dataset, Source, split_of
from scan_core.datasets.description import Description
from scan_core.datasets.label_file import read_label_file
from scan_core.datasets.layout import layout
from scan_core.datasets.source import local_path
from scan_core.datasets.walk import Tree, in_words, printable, walk
from scan_core.errors import DataError

EXPECTED = "a folder of pictures (JPEG, PNG, WebP, BMP, GIF, TIFF, PPM, JPEG 2000, AVIF or HEIC)"
ARCHIVES = frozenset((".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"))
BESIDE = "beside the folders of the splits"


def folder(source: Source, *, labels_file: Path | None = None) -> Dataset:
    """Open every picture below ``source`` as RGB, whatever its suffix; hidden files and folders are left out.

    Splits and classes are those of :func:`scan_core.datasets.layout.layout`.

    Args:
        labels_file: a CSV file that names the classes instead of the folders; an image that it lacks is unlabeled.

    Raises:
        DataError: no folder at ``source``, no image in it, or a faulty ``labels_file``.
    """
    root, tree = _open(source)
    splits, names = layout([tuple(path.split("/")) for path in tree.pictures])
    if labels_file is not None:
        names = read_label_file(
            labels_file, [printable(path) for path in tree.pictures], split=_own_split(root, splits)
        )
    inside = [row for row, split in enumerate(splits) if split is not None]
    names = [names[row] for row in inside]
    classes = sorted({name for name in names if name is not None})
    number: dict[str | None, int] = {None: -1, **{name: i for i, name in enumerate(classes)}}
    return _dataset(root, tree, inside)._replace(
        split=np.array([splits[row] for row in inside], dtype=object),
        label=np.array([number[name] for name in names], dtype=np.int64),
        classes=tuple(printable(name) for name in classes),
        left_out=+Counter({**tree.left_out, BESIDE: len(splits) - len(inside)}),
    )


def _own_split(root: Path, splits: Sequence[str | None]) -> str | None:
    """Return the split that ``root`` or the folder around it stands for, None if there are ``splits`` in it."""
    return (split_of(root.name) or split_of(root.parent.name)) if set(splits) == {"train"} else None


def pictures_below(source: Source, *, key: str) -> Dataset:
    """Open every picture below ``source``, in one split ``train`` and without labels, whatever its folder.

    Args:
        key: the name of the parameter ``source``, for messages.

    Raises:
        DataError: no folder at ``source``, or no image in it.
    """
    try:
        root, tree = _open(source)
    except DataError as error:
        raise DataError(f"{key}: {error}") from error
    return _dataset(root, tree, range(len(tree.pictures)))


def _open(source: Source) -> tuple[Path, Tree]:
    root = local_path(source, name="folder", expected=EXPECTED)
    if not root.is_dir():
        raise DataError(f"{root} is a file, expected {EXPECTED}; {_remedy([root.suffix.lower()])}", argument="source")
    tree = walk(root)
    if not tree.pictures:
        others = ", ".join(in_words(count, kind) for kind, count in tree.left_out.most_common(5)) or "no files"
        raise DataError(
            f"no picture in {root} ({others}; {len(tree.skipped)} unusable), expected {EXPECTED}; "
            f"{_remedy(tree.left_out)}",
            argument="source",
        )
    return root, tree


def _remedy(suffixes: Iterable[str]) -> str:
    if ".parquet" in suffixes:
        return "take the dataset parquet for Parquet files"
    return "correct the path" if ARCHIVES.isdisjoint(suffixes) else "unpack the archive and give its folder"


def _dataset(root: Path, tree: Tree, rows: Sequence[int]) -> Dataset:
    pictures = [tree.pictures[row] for row in rows]
    return Dataset(
        channels=3,
        split=np.full(len(pictures), "train", object),
        label=np.full(len(pictures), -1),
        classes=(),
        path=[printable(path) for path in pictures],
        read=lambda rows: (root / pictures[row] for row in rows),
        skipped=tuple(tree.skipped),
        left_out=tree.left_out,
    )


FOLDER = Description(
    lambda place: folder(place.source, labels_file=place.labels_file),
    channels=3,
    image_size=None,
    images=None,
    classes=None,
    needs_source=True,
    takes_labels_file=True,
)
