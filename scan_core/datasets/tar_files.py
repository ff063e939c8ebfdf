"""Reading files out of uncompressed tars by their offsets; nothing is ever extracted to disk."""

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
"""Bytes of a file that are read at once; ImageNet's largest picture has a quarter of that."""

LARGEST_HEADER = 2**20


class _Headers(BufferedReader):
    """A tar of which tarfile gets no more than a header at once: in a damaged one it asks for up to 2**80 bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= LARGEST_HEADER:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return super().read(size)


@contextmanager
def readable_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """Open an uncompressed tar; what goes wrong while it is open ends in a DataError."""
    try:
        with path.open("rb") as file, tar_headers(file) as archive:
            yield archive
    except (DataError, MemoryError):
        raise
    except Exception as error:  # a damaged file can raise almost anything inside tarfile
        raise DataError(f"{path}: not a readable tar ({error}); replace it or correct data.source") from error


def tar_headers(file: BufferedReader) -> tarfile.TarFile:
    """Open the uncompressed tar in ``file``, to learn what is in it."""
    return tarfile.open(fileobj=_Headers(file), mode="r:")


def regular_files(archive: tarfile.TarFile, where: str, *, size: int) -> Iterator[tarfile.TarInfo]:
    """Yield the files in ``archive`` of ``size`` bytes, which ``where`` names, in its order.

    Raises:
        DataError: a link or a device, a file that ends outside the archive, or an archive that is damaged inside.
    """
    for member in archive:
        if not member.isdir():
            if not member.isreg() or member.issparse():
                raise DataError(f"{where}: {member.name!r} is a link, a device or sparse, expected plain files alone")
            if not 0 <= member.size <= size - member.offset_data:
                raise DataError(
                    f"{where}: {member.name!r} claims {member.size} bytes, which the archive of {size} bytes does not "
                    "have; replace it"
                )
            yield member
    if _goes_on(archive):
        raise DataError(f"{where}: damaged at byte {archive.offset}, expected a further file or the end; replace it")


def _goes_on(archive: tarfile.TarFile) -> bool:
    """Whether something else than the zeros of an end follows, which tarfile would take for one."""
    file = archive.fileobj
    if file is None:
        return False
    file.seek(archive.offset)
    return any(file.read(tarfile.BLOCKSIZE))


def check_picture_size(member: tarfile.TarInfo, where: str) -> None:
    """Raise DataError where ``member`` claims more than any picture takes."""
    if member.size > LARGEST:
        raise DataError(f"{where}: {member.name!r} claims {member.size} bytes, expected a picture of at most {LARGEST}")


def read_stretches(path: Path, stretches: npt.NDArray[np.int64]) -> Iterator[bytes]:
    """Yield the bytes of each of ``stretches`` [n, 2], offset and size, of the file ``path``.

    Raises:
        DataError: the file ends before.
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
        raise DataError(f"{path}: cannot be read ({error.strerror}); correct data.source") from error
