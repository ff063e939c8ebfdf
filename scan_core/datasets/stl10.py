"""``stl10``: 113,000 color images of 96 x 96, 13,000 of them labeled with ten classes (Coates et al., 2011)."""

import math
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scan_core.datasets.dataset import Dataset, Source, Stored
from scan_core.datasets.description import Description
from scan_core.datasets.download import check_sha256, download
from scan_core.datasets.source import local_path
from scan_core.errors import DataError

FILE = "stl10_binary.tar.gz"
URL = f"http://ai.stanford.edu/~acoates/stl10/{FILE}"
SHA256 = "f31fd99273a1acb8609c8db427cebb1de3f71de77758cdc0e22956e1289b9866"
SIZE = 2_640_397_119
"""Bytes of the archive."""
FOLDER = "stl10_binary"
"""The folder inside the archive."""

COUNTS = {"test": 8_000, "train": 5_000, "unlabeled": 100_000}
CLASSES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
SHAPE = (3, 96, 96)
"""Axes of a stored image: channel, column, row."""
IMAGE_BYTES = math.prod(SHAPE)

Read = Callable[[npt.NDArray[np.int64]], Iterator[Stored]]
ReadBytes = Callable[[int], bytes]

UNREADABLE = (tarfile.TarError, zlib.error, EOFError, OSError)


def stl10(source: Source, *, downloads: Path) -> Dataset:
    """Open the splits ``train`` (5,000), ``test`` (8,000) and ``unlabeled`` (100,000).

    The archive is never unpacked: each reading of images streams through it, up to the last image wanted.

    Args:
        source: None (download the official archive, 2.6 GB), a mirror's URL, the path of the archive or of its folder,
            or the folder ``stl10_binary`` unpacked from it.
        downloads: the folder for a downloaded archive.

    Raises:
        DataError: no such data at ``source``, an archive with another checksum, or files of other sizes.
    """
    if not isinstance(source, Path):
        return _from_archive(download(source or URL, downloads / FILE, sha256=SHA256))
    path = local_path(source, name="stl10", expected=f"{FILE} or the folder {FOLDER} unpacked from it")
    if path.is_dir() and not (path / FILE).is_file():
        return _from_folder(path / FOLDER if (path / FOLDER).is_dir() else path)
    return _from_archive(path / FILE if path.is_dir() else path)


def _from_folder(folder: Path) -> Dataset:
    for name, size in _sizes().items():
        file = folder / name
        _check_size(file, file.stat().st_size if file.is_file() else None, size)
    with _readable(folder):
        labels = {split: (folder / f"{split}_y.bin").read_bytes() for split in COUNTS if split != "unlabeled"}

    def read(rows: npt.NDArray[np.int64]) -> Iterator[Stored]:
        for split, some in _by_split([*COUNTS], rows):
            with _readable(folder):
                images = np.memmap(folder / f"{split}_X.bin", np.uint8, "r", shape=(COUNTS[split], *SHAPE))
            yield from (_upright(images[row]) for row in some)

    return _dataset(folder, [*COUNTS], labels, read)


def _from_archive(path: Path) -> Dataset:
    splits, labels = _scan(path)

    def read(rows: npt.NDArray[np.int64]) -> Iterator[Stored]:
        wanted = {f"{split}_X.bin": some.tolist() for split, some in _by_split(splits, rows)}
        with _readable(path):
            for name, read_bytes in _members(path):
                yield from _pick(read_bytes, wanted.pop(name, []))
                if not wanted:
                    return

    return _dataset(path, splits, labels, read)


def _pick(read_bytes: ReadBytes, rows: list[int]) -> Iterator[Stored]:
    """Yield the images ``rows``, which ascend, and skip the others."""
    start = 0
    for row in rows:
        for _ in range(start, row):
            read_bytes(IMAGE_BYTES)
        yield _upright(np.frombuffer(read_bytes(IMAGE_BYTES), np.uint8).reshape(SHAPE))
        start = row + 1


def _scan(path: Path) -> tuple[list[str], dict[str, bytes]]:
    """Check the whole archive, and return the splits in its order, and the labels."""
    missing, order, labels = set(_sizes()), [], {}
    with _readable(path):
        with path.open("rb") as file:
            check_sha256(path, file, SHA256)
        for name, read_bytes in _members(path):
            split, kind = name.removesuffix(".bin").split("_")
            if kind == "X":
                order.append(split)
            else:
                labels[split] = read_bytes(COUNTS[split])
            missing.remove(name)
            if not missing:
                return order, labels
    raise DataError(
        f"{path}: no {', '.join(sorted(missing))} in {FOLDER}/, expected {FILE}; give another source", argument="source"
    )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        message = f"{path}: cannot be read to its end ({error}); replace it or give another source"
        raise DataError(message, argument="source") from error


def _members(path: Path) -> Iterator[tuple[str, ReadBytes]]:
    """Yield the name and a reader of each file of images or labels, in the archive's order."""
    sizes = _sizes()
    with tarfile.open(path, "r|gz") as archive:
        for member in archive:
            folder, _, name = member.name.rpartition("/")
            content = archive.extractfile(member) if member.isreg() else None
            if content and folder == FOLDER and name in sizes:
                _check_size(f"{path}: {member.name}", member.size, sizes[name])
                yield name, content.read


def _sizes() -> dict[str, int]:
    """Return the number of bytes that each file must have."""
    images = {f"{split}_X.bin": count * IMAGE_BYTES for split, count in COUNTS.items()}
    return {**images, **{f"{split}_y.bin": count for split, count in COUNTS.items() if split != "unlabeled"}}


def _check_size(file: Path | str, found: int | None, expected: int) -> None:
    if found != expected:
        size = "missing" if found is None else f"{found} bytes"
        message = f"{file}: {size}, expected {expected} bytes; unpack {FILE} again or give another source"
        raise DataError(message, argument="source")


def _dataset(source: Path, splits: Sequence[str], labels: dict[str, bytes], read: Read) -> Dataset:
    """Return the images of ``splits``, one split after the other."""
    label = np.concatenate([_labels(source, split, labels.get(split)) for split in splits])
    return Dataset(
        channels=3,
        split=np.repeat(np.array(splits, object), [COUNTS[split] for split in splits]),
        label=label,
        classes=CLASSES,
        path=[f"{split}_X.bin#{row}" for split in splits for row in range(COUNTS[split])],
        read=read,
    )


def _labels(source: Path, split: str, stored: bytes | None) -> npt.NDArray[np.int64]:
    """Return the labels [n] from 0; the files count from 1. -1 marks the split without labels."""
    if stored is None:
        return np.full(COUNTS[split], -1)
    label = np.frombuffer(stored, np.uint8).astype(np.int64)
    if label.min() < 1 or label.max() > len(CLASSES):
        raise DataError(f"{source}: labels {label.min()}..{label.max()} in {split}_y.bin, expected 1..{len(CLASSES)}")
    return label - 1


def _by_split(splits: Sequence[str], rows: npt.NDArray[np.int64]) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    """Yield each of the concatenated ``splits`` with its own part of ``rows``, counted from its start."""
    start = 0
    for split in splits:
        some = rows[(rows >= start) & (rows < start + COUNTS[split])] - start
        start += COUNTS[split]
        if len(some):
            yield split, some


def _upright(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Transpose [3, column, row] to [3, row, column]."""
    return np.asarray(image).transpose(0, 2, 1)


STL10 = Description(
    lambda place: stl10(place.source, downloads=place.downloads),
    channels=SHAPE[0],
    image_size=SHAPE[1],
    images=COUNTS,
    classes=len(CLASSES),
    needs_source=False,
    download_bytes=SIZE,
)
