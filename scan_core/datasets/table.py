"""The table of all datasets, by name."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from scan_core.console.progress import warn
from scan_core.datasets.cifar10 import CIFAR10
from scan_core.datasets.cifar20 import CIFAR20
from scan_core.datasets.cifar100 import CIFAR100
from scan_core.datasets.dataset import Dataset, Source
from scan_core.datasets.description import Description, Place
from scan_core.datasets.digits import DIGITS
from scan_core.datasets.folder import FOLDER
from scan_core.datasets.imagenet import IMAGENET
from scan_core.datasets.parquet import PARQUET
from scan_core.datasets.stl10 import STL10
from scan_core.errors import DataError, one_line

DATASETS = {
    "digits": DIGITS,
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
    "cifar20": CIFAR20,
    "stl10": STL10,
    "imagenet": IMAGENET,
    "folder": FOLDER,
    "parquet": PARQUET,
}
WITHOUT_FILE = ("folders", "none")
"""Values of ``labels`` that every dataset takes."""


def open_dataset(name: str, source: Source, *, downloads: Path, labels: str, classes_file: Source) -> Dataset:
    """Open the dataset ``name`` (one of ``DATASETS``) at ``source``; if all labels are the same, without labels.

    Args:
        downloads: the folder for downloads.
        labels: ``folders`` (the dataset's own labels), ``none`` (no labels), or the path of a CSV file with the columns
            ``file`` and ``label``, if the dataset takes one.
        classes_file: path or URL of a list of classes, if the dataset takes one; None for all.

    Raises:
        DataError: no such data at ``source``, or an option that this dataset does not have.
    """
    described = DATASETS[name]
    labels_file = None if labels in WITHOUT_FILE else Path(labels)
    if labels_file is not None and not described.takes_labels_file:
        alone = _names(lambda one: one.takes_labels_file)
        message = f"found {labels} for {name}, expected folders or none (only {alone} takes a CSV file)"
        raise DataError(message, argument="labels")
    if classes_file is not None and not described.takes_classes_file:
        alone = _names(lambda one: one.takes_classes_file)
        message = f"found {classes_file} for {name}, expected none (only {alone} takes one)"
        raise DataError(message, argument="classes_file")
    dataset = described.open(Place(source, downloads, labels_file, classes_file, labels=labels != "none"))
    if labels == "none":
        return dataset.without_labels()
    used = np.unique(dataset.label[dataset.label >= 0])
    if len(used) == 1 and described.classes is None:
        (only,) = dataset.label_names(np.flatnonzero(dataset.label == used[0])[:1])
        warn(one_line(f"all labels are {only}: a single class says nothing, so the images count as unlabeled"))
        return dataset.without_labels()
    return dataset


def _names(has: Callable[[Description], bool]) -> str:
    return ", ".join(name for name, described in DATASETS.items() if has(described))
