"""What the folders between a dataset's root and its pictures mean: splits, classes, or nothing."""

from collections.abc import Sequence
from typing import NamedTuple

from scan_core.datasets.dataset import split_of

Parts = tuple[str, ...]


class Layout(NamedTuple):
    """N pictures."""

    split: list[str | None]
    """None where a picture lies beside the folders of the splits."""
    label: list[str | None]
    """The class; None where unlabeled."""


def layout(paths: Sequence[Parts]) -> Layout:
    """Tell the split and the class of each path, given as its parts, the file's name included.

    A folder around everything means nothing. The first level names the splits where all of its folders do, or where
    ``train`` is beside another split, unless most pictures lie elsewhere; otherwise all is ``train``. Below it the
    first level names the classes. A split of which half the pictures lie in no class folder is unlabeled, and where
    there is but one class it tells nothing, so that all are.
    """
    paths = _unwrap(paths)
    split: list[str | None] = ["train"] * len(paths)
    if _names_splits(paths):
        split = [split_of(parts[0]) if len(parts) > 1 else None for parts in paths]
        inner = iter(_unwrap([parts[1:] for parts, name in zip(paths, split, strict=True) if name]))
        paths = [next(inner) if name else parts for parts, name in zip(paths, split, strict=True)]
    return Layout(split, _classes(split, paths))


def _unwrap(paths: Sequence[Parts]) -> Sequence[Parts]:
    """Take off the folders that hold all ``paths``."""
    while len({parts[0] for parts in paths}) == 1 and all(len(parts) > 1 for parts in paths):
        paths = [parts[1:] for parts in paths]
    return paths


def _names_splits(paths: Sequence[Parts]) -> bool:
    folders = {parts[0] for parts in paths if len(parts) > 1}
    splits = {split for name in folders if (split := split_of(name))}
    if len(splits) < 2 or ("train" not in splits and len(splits) < len(folders)):
        return False
    inside = sum(len(parts) > 1 and split_of(parts[0]) is not None for parts in paths)
    return 2 * inside > len(paths)


def _classes(split: Sequence[str | None], paths: Sequence[Parts]) -> list[str | None]:
    label = [parts[0] if name and len(parts) > 1 else None for name, parts in zip(split, paths, strict=True)]
    for name in set(split):
        rows = [row for row, each in enumerate(split) if each == name]
        if 2 * sum(label[row] is None for row in rows) >= len(rows):
            for row in rows:
                label[row] = None
    return label if len(set(label) - {None}) > 1 else [None] * len(label)
