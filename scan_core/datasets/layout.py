"""What the folders between a dataset's root and its pictures mean: splits, classes, or nothing."""

from collections.abc import Sequence
from typing import NamedTuple

from scan_core.datasets.dataset import class_of, split_of

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
    ``train`` is beside another split; so does the second, where it does below every folder of the first. Where most
    pictures lie elsewhere all are ``train``, without labels; where nothing names splits, with them. Below the splits
    the first level names the classes. A split of which half the pictures lie in no class folder is unlabeled, and
    where there is but one class it tells nothing, so that all are.
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
    """``class/train/1.png`` as ``train/class/1.png``, where all are so."""
    if not all(len(parts) > 2 and split_of(parts[1]) for parts in paths) or _names_splits(paths):
        return paths
    swapped = [(second, first, *rest) for first, second, *rest in paths]
    return swapped if _names_splits(swapped) else paths


def _below_split(parts: Parts) -> Parts:
    """What is below the split's folder, which some have twice: ``train/train/class/1.png``."""
    inner = parts[1:]
    return inner[1:] if len(inner) > 1 and split_of(inner[0]) == split_of(parts[0]) else inner


def _unwrap(paths: Sequence[Parts]) -> Sequence[Parts]:
    """Take off the folders that hold all ``paths``."""
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
