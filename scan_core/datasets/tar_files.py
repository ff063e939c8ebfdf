"""Read files from uncompressed tars by their offsets, without extracting anything to disk."""

import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scan_core.errors import DataError

LARGEST = 2**26
"""Upper limit of a file's bytes, four times those of ImageNet's largest image."""

LARGEST_HEADER = 2**20


class _Headers(BufferedReader):
    """A tar from which tarfile reads at most a header at a time: in a damaged one, it asks for up to 2**80 bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= LARGEST_HEADER:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return super().read(size)


@contextmanager
def readable_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """Open an uncompressed tar; any failure while it is open becomes a DataError."""
    try:
        with path.open("rb") as file, tar_headers(file) as archive:
            yield archive
    except (DataError, MemoryError):
        raise
    except Exception as error:  # a damaged file can raise almost anything inside tarfile
        message = f"{path}: not a readable tar ({error}); replace it or give another source"
        raise DataError(message, argument="source") from error


def tar_headers(file: BufferedReader) -> tarfile.TarFile:
    """Open the uncompressed tar in ``file`` to list its members."""
    return tarfile.open(fileobj=_Headers(file), mode="r:")


def regular_files(archive: tarfile.TarFile, where: str, *, size: int) -> Iterator[tarfile.TarInfo]:
    """Yield the files in ``archive``, which has ``size`` bytes and is called ``where`` in messages.

    Raises:
        DataError: a link or a device, a file that ends outside the archive, or a damaged archive.
    """
    for member in archive:
        if not member.isdir():
            if not member.isreg() or member.issparse():
                raise DataError(f"{where}: {member.name!r} is a link, a device or sparse, expected only plain files")
            if not 0 <= member.size <= size - member.offset_data:
                raise DataError(
                    f"{where}: {member.name!r} claims {member.size} bytes and ends after the archive of {size} bytes; "
                    "replace it"
                )
            yield member
    if _goes_on(archive):
        raise DataError(f"{where}: damaged at byte {archive.offset}, expected a further file or the end; replace it")


def _goes_on(archive: tarfile.TarFile) -> bool:
    """Return whether other bytes than zeros follow what tarfile takes for the end."""
    file = archive.fileobj
    if file is None:
        return False
    file.seek(archive.offset)
    return any(file.read(tarfile.BLOCKSIZE))


def check_picture_size(member: tarfile.TarInfo, where: str) -> None:
    """Raise DataError if ``member`` claims to be larger than an image can be."""
    if member.size > LARGEST:
        raise DataError(f"{where}: {member.name!r} claims {member.size} bytes, expected a picture of at most {LARGEST}")


def read_stretches(path: Path, stretches: npt.NDArray[np.int64]) -> Iterator[bytes]:
    """Yield the bytes of each of ``stretches`` [n, 2] (offset and size) of the file ``path``.

    Raises:
        DataError: the file is too short.
    """
    try:
        with path.open("rb", buffering=0) as file:
            for offset, size in stretches.tolist():
                content = os.pread(file.fileno(), size, offset)
                if len(content) != size:
                    raise DataError(
                        f"{path}: ends within the {size} bytes from {offset} on, so it has changed; replace it"
                    )
                yield content
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror}); make it readable or give another source"
        raise DataError(message, argument="source") from error
