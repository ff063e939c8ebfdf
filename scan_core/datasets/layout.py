"""Interpret the folders between a dataset's root and its pictures: splits, classes, or neither."""

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from scan_core.datasets.dataset import AROUND, SPLITS, class_of, split_of, words

Parts = tuple[str, ...]

NUMBERED = re.compile(r"(fold|batch|chunk|shard)[\W_]*\d+", re.IGNORECASE)
"""The names of folders into which a dataset is divided by number alone."""


class Layout(NamedTuple):
    """The split and class of each of N pictures."""

    split: list[str | None]
    """None for a picture that lies next to the folders of the splits."""
    label: list[str | None]
    """The class; None if unlabeled."""


def layout(paths: Sequence[Parts]) -> Layout:
    """Return the split and the class of each path, which is given as a tuple of folders and the file's name.

    - Folders that contain everything are ignored, and so is one that contains nearly everything if its folders mean
      something. Numbered folds and batches that contain folders count as one.
    - A folder is ignored, too, if the folders in it have the names of all folders beside it.
    - The first level are splits if all of its folders have names of splits (with the same other words for each), or if
      ``train`` is beside another split or beside folders with classes of the same names; the second level are splits if
      this holds below every folder of the first. If most pictures lie outside such splits, all are ``train``, without
      labels. If there are no splits, all are ``train``.
    - The first level below the splits are the classes. A split is unlabeled if at least half of its pictures lie in no
      class folder; all pictures are unlabeled if there is only one class.
    """
    inside = [parts[1:] for parts in paths if len(parts) > 1]
    around = {parts[0] for parts in paths if len(parts) > 1}
    if len(around) == 1 and 2 * len(inside) > len(paths) > len(inside):
        inner = layout(inside)
        if set(inner.split) != {"train"} or set(inner.label) != {None}:
            return _with_strays(paths, inner)
    paths = _splits_first(_split_words(_without_copy(_unwrap(paths))))
    splits = _splits(paths)
    if not splits:
        train: list[str | None] = ["train"] * len(paths)
        return Layout(train, _classes(train, paths))
    split = [splits.get(parts[0]) if len(parts) > 1 else None for parts in paths]
    if 2 * split.count(None) >= len(split):
        return Layout(["train"] * len(paths), [None] * len(paths))
    inside = [parts for parts, name in zip(paths, split, strict=True) if name]
    wrapped = _wrapped(inside)
    below = iter(_unwrap([_below_split(parts, wrapped) for parts in inside]))
    paths = [next(below) if name else parts for parts, name in zip(paths, split, strict=True)]
    return Layout(split, _classes(split, paths))


def _with_strays(paths: Sequence[Parts], inner: Layout) -> Layout:
    """Return the layout of all ``paths``, given ``inner`` of those that lie in folders.

    The others are unlabeled, and of no split if ``inner`` has splits.
    """
    stray = "train" if set(inner.split) == {"train"} else None
    rows = zip(inner.split, inner.label, strict=True)
    split, label = zip(*(next(rows) if len(parts) > 1 else (stray, None) for parts in paths), strict=True)
    return Layout(list(split), list(label))


def _without_copy(paths: Sequence[Parts]) -> Sequence[Parts]:
    """Take ``all/a/1.png`` for ``a/1.png`` if ``all`` contains the same two or more folders that lie beside it.

    Some archives contain everything twice.
    """
    below = _below(paths)
    copies = {folder for folder, inner in below.items() if len(inner) > 1 and inner == below.keys() - {folder}}
    return [parts[1:] if len(parts) > 1 and parts[0] in copies else parts for parts in paths]


def _split_words(paths: Sequence[Parts]) -> Sequence[Parts]:
    """Turn ``letters_train/1.png`` into ``train/1.png`` and ``train_cats/1.png`` into ``train/cats/1.png``.

    All folders must have the word of a split, and each split the same other words.
    """
    named = {folder: _split_and_rest(folder) for folder in {parts[0] for parts in paths if len(parts) > 1}}
    rests = {split: {rest for each, rest in named.values() if each == split} for split, _ in named.values()}
    same = len(set(map(frozenset, rests.values()))) == 1
    if not {"train"} < rests.keys() or "" in rests or not same or _splits(paths):
        return paths
    kept = 2 if len(rests["train"]) > 1 else 1  # what is the same everywhere tells nothing
    return [
        (*named[parts[0]][:kept], *parts[1 + (parts[1] == parts[0]) :]) if len(parts) > 1 else parts for parts in paths
    ]


def _split_and_rest(folder: str) -> tuple[str, str]:
    """Return the split in a folder's name (empty if it has no word of one, or several), and the name without it."""
    found = [word for word in words(folder) if word in SPLITS]
    if len(found) != 1:
        return "", folder
    before, _, after = folder.lower().rpartition(found[0])
    return SPLITS[found[0]], (folder[: len(before)] + folder[len(folder) - len(after) :]).strip(" _-.")


def _splits_first(paths: Sequence[Parts]) -> Sequence[Parts]:
    """Turn ``class/train/1.png`` into ``train/class/1.png``, if all paths are so, or most, in several classes.

    Other classes are ``train``.
    """
    formed = [len(parts) > 2 and split_of(parts[1]) is not None for parts in paths]
    classes = {parts[0] for parts, form in zip(paths, formed, strict=True) if form}
    few = len(classes) < 2 or 2 * sum(formed) <= len(paths)
    if (few and not all(formed)) or _splits(paths):
        return paths
    swapped = [
        (parts[1], parts[0], *parts[2:]) if form else ("train",) * (len(parts) > 1) + parts
        for parts, form in zip(paths, formed, strict=True)
    ]
    return swapped if _splits(swapped) else paths


def _below_split(parts: Parts, wrapped: Collection[str]) -> Parts:
    """Return the path below the split's folder, which may be repeated: ``train/train/class/1.png``.

    Args:
        wrapped: the splits whose images are all in one folder more: ``train/images/1.png``.
    """
    split, inner = split_of(parts[0]), parts[1:]
    repeated = split and len(inner) > 1 and split_of(inner[0]) == split
    return inner[1:] if repeated or parts[0] in wrapped else inner


def _wrapped(paths: Sequence[Parts]) -> set[str]:
    """Return the folders of the first level in which all images are in one folder that is named after images."""
    in_folder = {parts[0] for parts in paths if len(parts) == 2}
    below = _below([parts for parts in paths if parts[0] not in in_folder])
    return {folder for folder, (first, *more) in below.items() if not more and set(words(first) or "-") <= AROUND}


def _unwrap(paths: Sequence[Parts]) -> Sequence[Parts]:
    """Remove leading folders that contain all ``paths``: one, or numbered ones with folders in them (``fold1/cat``)."""
    while all(len(parts) > 1 for parts in paths):
        folders = {parts[0] for parts in paths}
        numbered = all(map(NUMBERED.fullmatch, folders)) and all(len(parts) > 2 for parts in paths)
        if len(folders) > 1 and not numbered:
            break
        paths = [parts[1:] for parts in paths]
    return paths


def _splits(paths: Sequence[Parts]) -> dict[str, str]:
    """Return the split of each folder of the first level that names one; empty if the level does not name splits."""
    folders = {parts[0] for parts in paths if len(parts) > 1}
    known = {folder: split for folder in folders if (split := split_of(folder))}
    others, found = folders - known.keys(), set(known.values())
    if others and "train" in found and _alike(paths):
        return known | {folder: folder.lower() for folder in others}
    return known if len(found) > 1 and ("train" in found or not others) else {}


def _alike(paths: Sequence[Parts]) -> bool:
    """Return whether all folders of the first level contain the same two or more folders, by their names."""
    first, *others = _below(paths).values()
    return len(first) > 1 and all(other == first for other in others)


def _below(paths: Sequence[Parts]) -> dict[str, set[str]]:
    """Return the folders in each folder of the first level."""
    below: dict[str, set[str]] = {parts[0]: set() for parts in paths if len(parts) > 1}
    for folder, inner, *_ in (parts for parts in paths if len(parts) > 2):
        below[folder].add(inner)
    return below


def _classes(split: Sequence[str | None], paths: Sequence[Parts]) -> list[str | None]:
    label = [class_of(parts[0]) if name and len(parts) > 1 else None for name, parts in zip(split, paths, strict=True)]
    for name in set(split):
        rows = [row for row, each in enumerate(split) if each == name]
        if 2 * sum(label[row] is None for row in rows) >= len(rows):
            for row in rows:
                label[row] = None
    return label if len(set(label) - {None}) > 1 else [None] * len(label)
