"""Interpret the folders between a dataset's root and its pictures: splits, classes, or neither."""

from collections.abc import Sequence
from typing import NamedTuple

from scan_core.datasets.dataset import class_of, split_of

Parts = tuple[str, ...]


class Layout(NamedTuple):
    """The split and class of each of N pictures."""

    split: list[str | None]
    """None for a picture that lies next to the folders of the splits."""
    label: list[str | None]
    """The class; None if unlabeled."""


def layout(paths: Sequence[Parts]) -> Layout:
    """Return the split and the class of each path, which is given as a tuple of folders and the file's name.

    - Folders that contain everything are ignored.
    - The first level are splits if all of its folders have names of splits, or if ``train`` and another split are among
      them; the second level are splits if this holds below every folder of the first. If most pictures lie outside such
      splits, all are ``train``, without labels. If there are no splits, all are ``train``.
    - The first level below the splits are the classes. A split is unlabeled if at least half of its pictures lie in no
      class folder; all pictures are unlabeled if there is only one class.
    """
    paths = _splits_first(_unwrap(paths))
    if not _names_splits(paths):
        train: list[str | None] = ["train"] * len(paths)
        return Layout(train, _classes(train, paths))
    split = [split_of(parts[0]) if len(parts) > 1 else None for parts in paths]
    if 2 * split.count(None) >= len(split):
        return Layout(["train"] * len(paths), [None] * len(paths))
    inner = iter(_unwrap([_below_split(parts) for parts, name in zip(paths, split, strict=True) if name]))
    paths = [next(inner) if name else parts for parts, name in zip(paths, split, strict=True)]
    return Layout(split, _classes(split, paths))


def _splits_first(paths: Sequence[Parts]) -> Sequence[Parts]:
    """Turn ``class/train/1.png`` into ``train/class/1.png``, if all paths are of this form."""
    if not all(len(parts) > 2 and split_of(parts[1]) for parts in paths) or _names_splits(paths):
        return paths
    swapped = [(second, first, *rest) for first, second, *rest in paths]
    return swapped if _names_splits(swapped) else paths


def _below_split(parts: Parts) -> Parts:
    """Return the path below the split's folder, which may be repeated: ``train/train/class/1.png``."""
    inner = parts[1:]
    return inner[1:] if len(inner) > 1 and split_of(inner[0]) == split_of(parts[0]) else inner


def _unwrap(paths: Sequence[Parts]) -> Sequence[Parts]:
    """Remove leading folders that contain all ``paths``."""
    while len({parts[0] for parts in paths}) == 1 and all(len(parts) > 1 for parts in paths):
        paths = [parts[1:] for parts in paths]
    return paths


def _names_splits(paths: Sequence[Parts]) -> bool:
    folders = {parts[0] for parts in paths if len(parts) > 1}
    splits = {split for name in folders if (split := split_of(name))}
    return len(splits) > 1 and ("train" in splits or len(splits) == len(folders))


def _classes(split: Sequence[str | None], paths: Sequence[Parts]) -> list[str | None]:
    label = [class_of(parts[0]) if name and len(parts) > 1 else None for name, parts in zip(split, paths, strict=True)]
    for name in set(split):
        rows = [row for row, each in enumerate(split) if each == name]
        if 2 * sum(label[row] is None for row in rows) >= len(rows):
            for row in rows:
                label[row] = None
    return label if len(set(label) - {None}) > 1 else [None] * len(label)
