"""Make copies of pictures, or links to them, so that a kill at any moment leaves whole files that are known."""

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NoReturn

from scan_core.console.progress import track
from scan_core.datasets.dataset import Skipped
from scan_core.datasets.walk import printable
from scan_core.errors import DataError
from scan_core.sorting.manifest import MANIFEST, Head, Made, add_folder, add_made, continued, read_manifest, write_head

COPY, HARDLINK, SYMLINK = "copy", "hardlink", "symlink"
TEMPORARY = f".{MANIFEST}.copy"
"""Beside the manifest: a copy that is not whole yet."""
AT_ONCE = 2**20
"""Bytes."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
OF_ONE_PICTURE = (errno.EINVAL, errno.ENAMETOOLONG, errno.EILSEQ, errno.EMLINK)
"""Errors that the next picture may not have."""

Record = Callable[[str], None]
"""Says that a file is about to be made, by its mark."""


class _UnreadableError(Exception):
    """An original cannot be read."""


def place_pictures(folder: Path, head: Head, targets: Mapping[str, str], *, mode: str) -> list[Skipped]:
    """Make in ``folder`` what is missing of ``targets``; what is there stays as it is.

    Args:
        head: what a new manifest says; one that is there must say the same.
        targets: path of each original, relative to ``head.source`` -> path relative to ``folder``.
        mode: ``copy``, ``hardlink`` or ``symlink``.

    Returns:
        The originals that could not be read, or whose copy this file system does not take.

    Raises:
        DataError: the folder or its file system does not allow it, the disk is full, or another process is at it.
    """
    try:
        made_root = not folder.exists()
        folder.mkdir(exist_ok=True)
        with alone(folder):
            if (found := read_manifest(folder)) is None:
                write_head(folder, head, made_root=made_root)
            with continued(folder) as manifest:
                _make_folders(folder, sorted({target.split("/")[0] for target in targets.values()}), manifest)
                missing = {path: target for path, target in targets.items() if not os.path.lexists(folder / target)}
                known = {} if found is None else found.made
                return list(_place(folder, Path(head.source), missing, manifest, known, mode))
    except OSError as error:
        _explain(folder, mode, error)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold ``folder``'s lock, where its file system has locks.

    Raises:
        DataError: another process has it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise DataError(f"{folder}: another run is sorting pictures here; wait for its end") from error
        yield
    finally:
        os.close(descriptor)


def _make_folders(folder: Path, names: list[str], manifest: IO[bytes]) -> None:
    for name in names:
        if not os.path.lexists(folder / name):
            add_folder(manifest, name)
            (folder / name).mkdir()
        elif not (folder / name).is_dir():
            raise DataError(f"{folder / name}: a file, where a cluster's folder was expected; rename it")


def _place(
    folder: Path, source: Path, missing: Mapping[str, str], manifest: IO[bytes], known: Mapping[str, Made], mode: str
) -> Iterator[Skipped]:
    for path, target in track(missing.items(), description="sort", total=len(missing)):
        original = source / path
        try:
            status = original.stat()

            def record(
                mark: str,
                path: str = path,
                target: str = target,
                size: int = status.st_size,
                at: int = status.st_mtime_ns,
            ) -> None:
                made = Made(path, target, mode, mark, size, at)
                if known.get(target) != made:
                    add_made(manifest, made)

            MODES[mode](original, folder / target, folder / TEMPORARY, record)
        except _UnreadableError as error:
            yield Skipped(printable(path), f"cannot be read ({error})")
        except FileExistsError:
            yield Skipped(printable(path), f"{printable(target)} has just been made by something else")
        except OSError as error:
            if not original.exists():
                yield Skipped(printable(path), "no longer there")
            elif error.errno in OF_ONE_PICTURE:
                yield Skipped(printable(path), f"{target} cannot be made ({error.strerror})")
            else:
                raise


def _copy(original: Path, target: Path, temporary: Path, record: Record) -> None:
    temporary.unlink(missing_ok=True)
    try:
        digest = hashlib.sha256()
        with temporary.open("wb") as file:
            for content in _contents(original):
                digest.update(content)
                file.write(content)
        with suppress(OSError):  # a file system without permissions
            shutil.copystat(original, temporary)
        record(digest.hexdigest())
        if os.path.lexists(target):
            raise FileExistsError(target)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _hardlink(original: Path, target: Path, _: Path, record: Record) -> None:
    real = original.resolve() if original.is_symlink() else original
    record(str(real.stat().st_ino))
    target.hardlink_to(real)


def _symlink(original: Path, target: Path, _: Path, record: Record) -> None:
    record(str(original))
    target.symlink_to(original)


MODES: dict[str, Callable[[Path, Path, Path, Record], None]] = {COPY: _copy, HARDLINK: _hardlink, SYMLINK: _symlink}


def _contents(original: Path) -> Iterator[bytes]:
    try:
        with original.open("rb") as file:
            while content := file.read(AT_ONCE):
                yield content
    except OSError as error:
        raise _UnreadableError(error.strerror) from error


def _explain(folder: Path, mode: str, error: OSError) -> NoReturn:
    """Raise DataError for what concerns all pictures."""
    if error.errno in FULL:
        message = "the disk is full; free space, and run the same command: it goes on where it stopped"
    elif error.errno == errno.EXDEV:
        message = "not on the file system of the pictures, which hard links cannot leave; take --mode copy or symlink"
    elif mode != COPY and error.errno in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
        message = f"this file system does not allow a {mode} here ({error.strerror}); take --mode copy"
    else:
        message = f"cannot be written ({error.strerror}: {error.filename}); make it writable, or give another folder"
    raise DataError(f"{folder}: {message}") from error
