"""``imagenet``: the 1.3 million images of ILSVRC 2012 (Russakovsky et al., 2015), in 1,000 classes or fewer."""

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scan_core.datasets.class_list import read_classes
from scan_core.datasets.dataset import Dataset, Source, Stored
from scan_core.datasets.description import Description
from scan_core.datasets.imagenet_tars import DEVKIT, PICTURE, TRAIN, VAL, Pictures, train_pictures, val_pictures
from scan_core.datasets.source import local_path
from scan_core.errors import DataError

SPLITS = {"train": (TRAIN, train_pictures), "val": (VAL, val_pictures)}
WNID = re.compile(r"n[0-9]{8}")
EXPECTED = (
    f"a folder with train/n01440764/*.JPEG or {TRAIN}, and val/n01440764/*.JPEG or {VAL} with {DEVKIT} "
    "(ImageNet may not be downloaded automatically: ask for it at image-net.org)"
)


def imagenet(source: Source, *, downloads: Path, classes_file: Source) -> Dataset:
    """Open the splits ``train`` and ``val``, those that exist, as RGB; folders take precedence over tars.

    Args:
        source: a folder with one folder of images per class, or with the official tars.
        downloads: the folder for a downloaded list of classes.
        classes_file: path or URL of a list of the classes to take, in the order of the labels (see
            :func:`scan_core.datasets.class_list.read_classes`); None takes all, ordered by WordNet id.

    Raises:
        DataError: no folder, no image in it, files in another layout than the official one, or unknown classes.
    """
    root = local_path(source, name="imagenet", expected=EXPECTED)
    names = None if classes_file is None else read_classes(classes_file, downloads=downloads)
    parts = {split: part for split in SPLITS if (part := _open_split(root, split, names)) is not None}
    found = {wnid for part in parts.values() for wnid in part.wnid}
    if not parts or (not found and names is None):
        raise DataError(f"{root} has no picture of ImageNet, expected {EXPECTED}", argument="source")
    names = names or {wnid: wnid for wnid in sorted(found)}
    _check_all_there(names, found, classes_file)
    return _join(parts, names)


def _open_split(root: Path, split: str, wanted: Collection[str] | None) -> Pictures | None:
    tar, pictures = SPLITS[split]
    if (root / split).is_dir():
        return _from_folders(root, split, wanted)
    return pictures(root / tar, wanted) if (root / tar).is_file() else None


def _from_folders(root: Path, split: str, wanted: Collection[str] | None) -> Pictures:
    try:
        wnids = sorted(entry.name for entry in (root / split).iterdir() if WNID.fullmatch(entry.name))
        names = {wnid: _names(root / split / wnid) for wnid in wnids if wanted is None or wnid in wanted}
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read ({error.strerror}), expected a folder of a class") from error
    if not wnids:
        raise DataError(f"{root / split}: no folder called after a class, expected {EXPECTED}")
    paths = [f"{split}/{wnid}/{name}" for wnid, some in names.items() for name in some]

    def read(rows: npt.NDArray[np.int64]) -> Iterator[Stored]:
        return (root / paths[row] for row in rows)

    return Pictures([wnid for wnid, some in names.items() for _ in some], paths, read)


def _names(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if PICTURE.fullmatch(entry.name))


def _check_all_there(names: dict[str, str], found: set[str], classes_file: Source) -> None:
    missing = [wnid for wnid in names if wnid not in found]
    if missing:
        raise DataError(
            f"{classes_file}: {', '.join(missing[:3])} ({len(missing)} of {len(names)} classes) without any picture in "
            "the source; remove them or give another source",
            argument="source",
        )


def _join(parts: dict[str, Pictures], names: dict[str, str]) -> Dataset:
    number = {wnid: i for i, wnid in enumerate(names)}
    starts = np.cumsum([0, *(len(part.path) for part in parts.values())])

    def read(rows: npt.NDArray[np.int64]) -> Iterator[Stored]:
        for part, start, stop in zip(parts.values(), starts, starts[1:], strict=False):
            yield from part.read(rows[(rows >= start) & (rows < stop)] - start)

    return Dataset(
        channels=3,
        split=np.repeat(np.array([*parts], object), np.diff(starts)),
        label=np.array([number[wnid] for part in parts.values() for wnid in part.wnid], np.int64),
        classes=tuple(names.values()),
        path=[path for part in parts.values() for path in part.path],
        read=read,
    )


IMAGENET = Description(
    lambda place: imagenet(place.source, downloads=place.downloads, classes_file=place.classes_file),
    channels=3,
    image_size=None,
    images={"train": 1_281_167, "val": 50_000},
    classes=1_000,
    needs_source=True,
    takes_classes_file=True,
)
