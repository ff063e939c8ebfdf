"""The datasets by the names that ``data.name`` gives them."""

from pathlib import Path

from scan_core.datasets.cifar10 import cifar10
from scan_core.datasets.cifar20 import cifar20
from scan_core.datasets.cifar100 import cifar100
from scan_core.datasets.dataset import Dataset, Source
from scan_core.datasets.digits import digits
from scan_core.datasets.folder import folder
from scan_core.datasets.imagenet import imagenet
from scan_core.datasets.parquet import parquet
from scan_core.datasets.stl10 import stl10
from scan_core.errors import DataError

NAMES = ("digits", "cifar10", "cifar100", "cifar20", "stl10", "imagenet", "folder", "parquet")
LABELS = ("folders", "none")


def open_dataset(name: str, source: Source, *, downloads: Path, labels: str, classes_file: Source) -> Dataset:
    """Open the dataset ``name`` (one of ``NAMES``) at ``source``.

    Args:
        downloads: where what has to be downloaded is kept.
        labels: ``folders`` (as the dataset has them), ``none``, which makes any dataset unlabeled, or for ``folder``
            the path of a CSV file with the columns ``file`` and ``label``.
        classes_file: for ``imagenet`` the path or URL of a list of classes, or None for all; else None.

    Raises:
        DataError: nothing of the kind at ``source``, or an option that this dataset does not have.
    """
    _check_options(name, labels, classes_file)
    dataset = _open(name, source, downloads, labels, classes_file)
    return dataset.without_labels() if labels == "none" else dataset


def _check_options(name: str, labels: str, classes_file: Source) -> None:
    if labels not in LABELS and name != "folder":
        raise DataError(f"data.labels: {labels}, expected folders or none (a CSV file is for data.name folder alone)")
    if classes_file is not None and name != "imagenet":
        raise DataError(f"data.classes_file: {classes_file}, expected null (it is for data.name imagenet alone)")


def _open(name: str, source: Source, downloads: Path, labels: str, classes_file: Source) -> Dataset:
    match name:
        case "digits":
            return digits(source)
        case "cifar10":
            return cifar10(source, downloads=downloads)
        case "cifar100":
            return cifar100(source, downloads=downloads)
        case "cifar20":
            return cifar20(source, downloads=downloads)
        case "stl10":
            return stl10(source, downloads=downloads)
        case "imagenet":
            return imagenet(source, downloads=downloads, classes_file=classes_file)
        case "folder":
            return folder(source, labels_file=None if labels in LABELS else Path(labels))
        case "parquet":
            return parquet(source)
    raise DataError(f"data.name: {name}, expected one of {', '.join(NAMES)}")
