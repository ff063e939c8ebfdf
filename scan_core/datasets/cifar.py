"""The common parts of the CIFAR datasets (Krizhevsky, 2009): 32 x 32 color images, as official archive or Parquet."""

import pickle
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from scan_core.datasets.dataset import Dataset, Source
from scan_core.datasets.description import Description, Place
from scan_core.datasets.download import check_sha256, download
from scan_core.datasets.parquet import parquet
from scan_core.datasets.source import local_path
from scan_core.errors import DataError

SHAPE = (3, 32, 32)
IMAGES = {"train": 50_000, "test": 10_000}
SPELLINGS = {"cra": "crab"}
"""Class names that a widespread Parquet copy of CIFAR-100 spells differently."""


class Official(NamedTuple):
    """An official archive, which contains pickles."""

    file: str
    url: str
    sha256: str
    size: int
    """In bytes."""
    splits: Mapping[str, str]
    """The split of each member, by its path in the archive, in the order of the dataset's rows."""


class Labels(NamedTuple):
    """One way to label the images."""

    key: str
    """Its key in the archive's pickles."""
    column: str
    """Its column in Parquet files."""
    classes: tuple[str, ...]


def describe_cifar(open: Callable[[Place], Dataset], official: Official, labels: Labels) -> Description:
    """Describe the dataset that ``open`` opens."""
    return Description(
        open,
        channels=SHAPE[0],
        image_size=SHAPE[1],
        images=IMAGES,
        classes=len(labels.classes),
        needs_source=False,
        download_bytes=official.size,
    )


def open_cifar(
    source: Source, official: Official, labels: Labels, *further: Labels, name: str, downloads: Path
) -> Dataset:
    """Open the splits ``train`` and ``test``; ``further`` labels become further columns.

    Args:
        source: None (download the official archive), a mirror's URL, the path of the archive or of its folder, or a
            Parquet file or a folder of them.
        name: the dataset's name, for messages.
        downloads: the folder for a downloaded archive.

    Raises:
        DataError: no such data at ``source``, or an archive whose checksum is not the official one.
    """
    if isinstance(source, Path):
        path = local_path(source, name=name, expected=f"{official.file} or Parquet files")
        path = path / official.file if (path / official.file).is_file() else path
    else:
        path = download(source or official.url, downloads / official.file, sha256=official.sha256)
    if path.is_dir() or path.suffix == ".parquet":
        return _from_parquet(path, labels, *further)
    return _from_archive(path, official, labels, *further)


def _from_parquet(path: Path, labels: Labels, *further: Labels) -> Dataset:
    dataset = parquet(path, labels=(labels.column, *(more.column for more in further)))
    if tuple(SPELLINGS.get(name, name) for name in dataset.classes) not in ((), labels.classes):
        raise DataError(
            f"{path}: classes {', '.join(dataset.classes)}, expected {', '.join(labels.classes)}; give another source",
            argument="source",
        )
    _check_range(path, dataset.label, labels)
    for more in further:
        _check_range(path, dataset.further[more.column], more)
    return dataset._replace(classes=labels.classes)


def _check_range(path: Path, values: npt.NDArray[np.int64], labels: Labels) -> None:
    if values.max(initial=-1) >= len(labels.classes):
        raise DataError(
            f"{path}: {labels.column} {values.max()}, expected 0..{len(labels.classes) - 1}; give another source",
            argument="source",
        )


def _from_archive(path: Path, official: Official, labels: Labels, *further: Labels) -> Dataset:
    batches = _read_batches(path, official)
    images = np.concatenate([batch[b"data"] for batch in batches]).reshape(-1, *SHAPE)

    def column(key: str) -> npt.NDArray[np.int64]:
        return np.concatenate([np.asarray(batch[key.encode()], np.int64) for batch in batches])

    members = [Path(member).name for member in official.splits]
    return Dataset(
        channels=3,
        split=np.repeat(np.array([*official.splits.values()], object), [len(batch[b"data"]) for batch in batches]),
        label=column(labels.key),
        classes=labels.classes,
        path=[
            f"{member}/{name.decode()}"
            for member, batch in zip(members, batches, strict=True)
            for name in batch[b"filenames"]
        ],
        read=lambda rows: (images[row] for row in rows),
        further={more.column: column(more.key) for more in further},
    )


def _read_batches(path: Path, official: Official) -> list[dict[bytes, Any]]:
    """Check the checksum of the whole file, then unpickle its members without writing any to disk."""
    try:
        with path.open("rb") as file:
            check_sha256(path, file, official.sha256)
            with tarfile.open(fileobj=file, mode="r:gz") as archive:
                batches = {
                    member.name: pickle.load(content, encoding="bytes")
                    for member in archive  # in the archive's order: gzip cannot seek back
                    if member.name in official.splits and (content := archive.extractfile(member))
                }
                return [batches[name] for name in official.splits]
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror or error}); make it readable or give another source"
        raise DataError(message, argument="source") from error
