"""``cifar10``: 60,000 color images, 32 x 32, in ten classes (Krizhevsky, 2009), as official archive or as Parquet."""

import pickle
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scan_core.data.dataset import Dataset, Source, Stored
from scan_core.data.download import check_sha256, download
from scan_core.data.parquet import parquet
from scan_core.data.source import local_path
from scan_core.errors import DataError

ARCHIVE = "cifar-10-python.tar.gz"
URL = f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}"
SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"

FOLDER = "cifar-10-batches-py"
"""Inside the archive."""
TRAIN = tuple(f"data_batch_{i}" for i in range(1, 6))
TEST = "test_batch"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

SHAPE = (3, 32, 32)


class _Batch(NamedTuple):
    name: str
    images: npt.NDArray[np.uint8]
    """[n, 3, 32, 32]"""
    labels: list[int]
    filenames: list[bytes]


def cifar10(source: Source, *, downloads: Path) -> Dataset:
    """Splits ``train`` and ``test``.

    Args:
        source: None (the official archive is downloaded), the URL of a mirror of it, its path or that of its folder,
            or a Parquet file or a folder of them.
        downloads: where a downloaded archive is kept.

    Raises:
        DataError: nothing of the kind at ``source``, or an archive with another checksum than the official one.
    """
    if not isinstance(source, Path):
        return _from_archive(download(source or URL, downloads / ARCHIVE, sha256=SHA256))
    path = local_path(source, name="cifar10", expected=f"{ARCHIVE} or Parquet files")
    if (path / ARCHIVE).is_file():
        return _from_archive(path / ARCHIVE)
    if path.is_dir() or path.suffix == ".parquet":
        return _from_parquet(path)
    return _from_archive(path)


def _from_parquet(path: Path) -> Dataset:
    dataset = parquet(path)
    if dataset.classes not in ((), CLASSES):
        raise DataError(f"{path}: classes {', '.join(dataset.classes)}, expected {', '.join(CLASSES)}")
    if dataset.label.max(initial=-1) >= len(CLASSES):
        raise DataError(f"{path}: label {dataset.label.max()}, expected 0..{len(CLASSES) - 1}")
    return dataset._replace(classes=CLASSES)


def _from_archive(path: Path) -> Dataset:
    batches = _read_batches(path)
    starts = np.cumsum([0, *(len(batch.images) for batch in batches)])

    def read(rows: npt.NDArray[np.int64]) -> Iterator[Stored]:
        for row, i in zip(rows, np.searchsorted(starts, rows, side="right") - 1, strict=True):
            yield batches[i].images[row - starts[i]]

    splits = [np.full(len(batch.images), "test" if batch.name == TEST else "train", object) for batch in batches]
    return Dataset(
        channels=3,
        split=np.concatenate(splits),
        label=np.concatenate([np.asarray(batch.labels, np.int64) for batch in batches]),
        classes=CLASSES,
        path=[f"{batch.name}/{name.decode()}" for batch in batches for name in batch.filenames],
        read=read,
    )


def _read_batches(path: Path) -> list[_Batch]:
    """Check the whole file before any of it is unpickled, then read its members without writing any to disk."""
    names = {f"{FOLDER}/{name}": name for name in (*TRAIN, TEST)}
    try:
        with path.open("rb") as file:
            check_sha256(path, file, SHA256)
            with tarfile.open(fileobj=file, mode="r:gz") as archive:
                batches = {
                    names[member.name]: _unpickle(names[member.name], content.read())
                    for member in archive  # in the archive's order, for gzip cannot go back
                    if member.name in names and (content := archive.extractfile(member))
                }
                return [batches[name] for name in names.values()]
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); correct data.source") from error


def _unpickle(name: str, pickled: bytes) -> _Batch:
    values = pickle.loads(pickled, encoding="bytes")
    return _Batch(name, values[b"data"].reshape(-1, *SHAPE), values[b"labels"], values[b"filenames"])
