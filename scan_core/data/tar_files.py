"""Reading files out of uncompressed tars by their offsets; nothing is ever extracted to disk."""

import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scan_core.errors import DataError

LARGEST = 2**26
"""Bytes of a file that are read at once; ImageNet's largest picture has a quarter of that."""


@contextmanager
def readable_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """Open an uncompressed tar; what goes wrong while it is open ends in a DataError."""
    try:
        with tarfile.open(path, "r:") as archive:
            yield archive
    except (tarfile.TarError, OSError) as error:
        raise DataError(f"{path}: not a readable tar ({error}); replace it or correct data.source") from error


def regular_files(archive: tarfile.TarFile, where: str, *, size: int) -> Iterator[tarfile.TarInfo]:
    """Yield the files in ``archive`` of ``size`` bytes, which ``where`` names, in its order.

    Raises:
        DataError: a link or a device, a file that ends beyond the archive, or an archive that is damaged inside.
    """
    for member in archive:
        if not member.isdir():
            if not member.isreg() or member.issparse():
                raise DataError(f"{where}: {member.name!r} is a link, a device or sparse, expected plain files alone")
            if member.offset_data + member.size > size:
                raise DataError(f"{where}: {member.name!r} ends after the archive, which has {size} bytes; replace it")
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
