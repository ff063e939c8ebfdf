"""``data/artifacts/images/images-*.parquet``: encoded images, used if the decoded pixels take too much room.

The column ``image`` is neither compressed nor dictionary-encoded and has one page in a row group, so the bytes of its
values end where the column chunk ends. With their lengths, which the file's metadata holds, any image is one read away.
"""

import json
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from scan_core.artifacts.atomic import atomic_path
from scan_core.artifacts.tables import SCHEMA_VERSION, VERSION_KEY
from scan_core.errors import ArtifactError

SCHEMA = pa.schema([pa.field("image_id", pa.int64(), nullable=False), pa.field("image", pa.binary(), nullable=False)])
PATTERN = "images-*.parquet"
ROW_GROUP = 32
PREFIX = 4
"""Number of bytes that hold a value's length in a binary column (Parquet, encoding PLAIN)."""


class ShardFormat(NamedTuple):
    """The shape of every decoded image."""

    channels: int
    """1 (gray) or 3 (RGB)."""
    image_size: int
    """Pixels per side."""
    fit: str
    """How a file that is not square becomes one."""


def shard_path(folder: Path, number: int) -> Path:
    """Return the path of the shard ``number`` (from 0) in ``folder``."""
    return folder / f"images-{number:05d}.parquet"


def write_shard(
    path: Path, encoded: Iterator[bytes], *, first_id: int, lengths: Sequence[int], format: ShardFormat
) -> None:
    """Write the images ``first_id``, ``first_id`` + 1, ... one row group at a time.

    Args:
        encoded: each image as a file (JPEG, PNG, ...), one for each of ``lengths``, the files' sizes in bytes.
    """
    metadata = {
        VERSION_KEY: SCHEMA_VERSION.encode(),
        b"lengths": json.dumps([*lengths], separators=(",", ":")).encode(),
    }
    metadata |= {key.encode(): str(value).encode() for key, value in format._asdict().items()}
    schema = SCHEMA.with_metadata(metadata)
    options = {"compression": "NONE", "use_dictionary": False, "write_statistics": False, "data_page_size": 2**30}
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema, **options) as writer:
        while images := list(islice(encoded, ROW_GROUP)):
            ids = range(first_id, first_id + len(images))
            writer.write_table(pa.table([pa.array(ids, pa.int64()), pa.array(images, pa.binary())], schema=schema))
            first_id += len(images)


class Shards:
    """All shards of a folder, open for reading single images from any thread.

    Raises:
        ArtifactError: no shard, a damaged one, or ids that are not 0..N-1 in order.
    """

    def __init__(self, folder: Path) -> None:
        paths = sorted(folder.glob(PATTERN))
        if not paths:
            raise ArtifactError(f"{folder}: no {PATTERN}; run the fetch stage (dvc repro fetch)")
        described = [_describe(path) for path in paths]
        formats = {format for format, *_ in described}
        if len(formats) > 1:
            raise ArtifactError(f"{folder}: shards of different formats {sorted(formats)}; run dvc repro fetch")
        (self.format,) = formats
        self._paths, self._files = paths, [path.open("rb") for path in paths]
        self._starts = np.cumsum([0, *(len(offsets) for _, _, offsets, _ in described)])
        self._offsets = np.concatenate([offsets for _, _, offsets, _ in described])
        self._lengths = np.concatenate([lengths for _, _, _, lengths in described])
        for path, (_, first_id, *_), start in zip(paths, described, self._starts, strict=False):
            if first_id != start:
                raise ArtifactError(f"{path}: begins with image_id {first_id}, expected {start}; run dvc repro fetch")

    def __len__(self) -> int:
        return len(self._offsets)

    def read(self, image_id: int) -> bytes:
        """Return the encoded file of one image.

        Raises:
            ArtifactError: the shard has changed or is damaged.
        """
        shard = int(np.searchsorted(self._starts, image_id, side="right")) - 1
        length, offset = int(self._lengths[image_id]), int(self._offsets[image_id])
        found = os.pread(self._files[shard].fileno(), PREFIX + length, offset - PREFIX)
        if found[:PREFIX] != length.to_bytes(PREFIX, "little") or len(found) != PREFIX + length:
            raise ArtifactError(f"{self._paths[shard]}: image {image_id} is not where it was; run dvc repro fetch")
        return found[PREFIX:]


def _describe(path: Path) -> tuple[ShardFormat, int, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the format, the first id, and each image's offset and length in the file."""
    try:
        with pq.ParquetFile(path) as file:
            metadata, schema = file.schema_arrow.metadata or {}, file.schema_arrow
            if metadata.get(VERSION_KEY, b"none").decode() != SCHEMA_VERSION or schema.names != SCHEMA.names:
                raise ArtifactError(f"{path}: not a shard of schema version {SCHEMA_VERSION}; run dvc repro fetch")
            lengths = np.array(json.loads(metadata[b"lengths"]), np.int64)
            format = ShardFormat(int(metadata[b"channels"]), int(metadata[b"image_size"]), metadata[b"fit"].decode())
            offsets = _offsets(path, file.metadata, lengths)
            first_id = file.read_row_group(0, columns=["image_id"])["image_id"][0].as_py()
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; run the fetch stage (dvc repro fetch)") from None
    except (pa.ArrowException, OSError, ValueError, KeyError, IndexError) as error:
        raise ArtifactError(f"{path}: not a readable shard ({error}); run dvc repro fetch") from error
    return format, first_id, offsets, lengths


def _offsets(path: Path, metadata: pq.FileMetaData, lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the offset of each image, counted back from the end of its column chunk."""
    if metadata.num_rows != len(lengths):
        raise ArtifactError(f"{path}: {metadata.num_rows} rows, expected {len(lengths)}; run dvc repro fetch")
    offsets = np.empty_like(lengths)
    start = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        column, stop = group.column(1), start + group.num_rows
        after = np.cumsum((PREFIX + lengths[start:stop])[::-1])[::-1]
        offsets[start:stop] = column.data_page_offset + column.total_compressed_size - after + PREFIX
        start = stop
    return offsets
