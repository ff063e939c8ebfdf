"""Remove what was made in a folder of sorted pictures, and nothing else."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from scan_core.console.progress import track
from scan_core.datasets.dataset import Skipped
from scan_core.datasets.walk import printable
from scan_core.errors import DataError
from scan_core.sorting.manifest import MANIFEST, Made, read_manifest
from scan_core.sorting.place import COPY, HARDLINK, TEMPORARY, alone

LAST, OTHER, HIDDEN = "the original is gone", "the original has changed since", "the original cannot be read"
MAYBE_LAST = {LAST, OTHER, HIDDEN}
"""Reasons to keep a file that may be the last one of its picture."""


class Undone(NamedTuple):
    """What came of it."""

    removed: int
    """Files."""
    kept: list[Skipped]
    """Files that were made and are still there, and why."""
    missing: int
    """Files that were made and are no longer in their places."""
    whole: bool
    """Whether the manifest went, too; it stays where a file may be the last one of its picture."""


def undo(folder: Path) -> Undone:
    """Remove each file that the manifest in ``folder`` lists and that is still what was made; then empty folders.

    A file stays if it has changed since, or if its original has changed, is gone or cannot be read: it may be the
    last one of that picture.

    Raises:
        DataError: no manifest, a file that cannot be removed, or another process is at it.
    """
    if not folder.is_dir() or (found := read_manifest(folder)) is None:
        raise DataError(f"{folder}: no {MANIFEST} in it, so nothing here is known to be made by this command")
    try:
        with alone(folder):
            kept = []
            present = [made for made in found.made.values() if os.path.lexists(folder / made.target)]
            for made in track(present, description="undo", total=len(present)):
                if reason := _reason_to_keep(folder / made.target, Path(found.head.source) / made.source, made):
                    kept.append(Skipped(printable(made.target), reason))
                else:
                    (folder / made.target).unlink()
            (folder / TEMPORARY).unlink(missing_ok=True)
            whole = all(reason not in MAYBE_LAST for _, reason in kept)
            for name in found.folders:
                _remove_empty(folder / name)
            if whole:
                (folder / MANIFEST).unlink()
                if found.made_root:
                    _remove_empty(folder)
    except OSError as error:
        raise DataError(
            f"{error.filename or folder}: cannot be removed ({error.strerror}); make its folder writable, and run the "
            "same command again"
        ) from error
    return Undone(len(present) - len(kept), kept, len(found.made) - len(present), whole)


def _reason_to_keep(path: Path, original: Path, made: Made) -> str | None:
    if path.parent.is_symlink():
        return "its folder is now a link to another place"
    if _mark(path, made.mode) != made.mark:
        return "changed since"
    if made.mode not in (COPY, HARDLINK):
        return None
    if not original.exists():
        return LAST
    try:
        other = _mark(original.resolve(), HARDLINK) != made.mark if made.mode == HARDLINK else differs(original, made)
    except OSError:
        return HIDDEN
    return OTHER if other else None


def differs(original: Path, made: Made) -> bool:
    """Return whether the ``original`` is no longer what was sorted; one that was linked is judged by size and date.

    Raises:
        OSError: the original cannot be read.
    """
    status = original.stat()
    if status.st_size != made.size or status.st_mtime_ns == made.mtime_ns or made.mode != COPY:
        return (status.st_size, status.st_mtime_ns) != (made.size, made.mtime_ns)
    return _mark(original.resolve(), COPY) != made.mark


def _mark(path: Path, mode: str) -> str | None:
    """By what the file at ``path`` is known, or None where it is of another kind than ``mode`` makes."""
    if mode not in (COPY, HARDLINK):
        return str(path.readlink()) if path.is_symlink() else None
    if path.is_symlink() or not path.is_file():
        return None
    if mode == HARDLINK:
        return str(path.stat().st_ino)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # it is not empty, or a link, or gone
        folder.rmdir()
