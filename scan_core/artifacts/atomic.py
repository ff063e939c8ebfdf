"""Write a file so that its name always holds a complete one, also after a kill."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from psutil import pid_exists

from scan_core.errors import ArtifactError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success, sync that file to disk and rename it to ``path``.

    On failure, remove the temporary file and leave ``path`` as it was.

    Raises:
        ArtifactError: ``path`` is a folder or a device, its folder cannot be written, or the disk is full.
    """
    check_file_name(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for stale in path.parent.glob(f".{path.name}.*.tmp"):
            pid = stale.name.split(".")[-2]
            if not pid.isdigit() or int(pid) == os.getpid() or not pid_exists(int(pid)):  # its process was killed
                _remove(stale)
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise ArtifactError(
            f"{path}: cannot be written ({error.strerror or error}); "
            "free space or make the folder writable, then run the same command again"
        ) from error
    finally:
        _remove(temporary)


def check_file_name(path: Path) -> None:
    """Raise ArtifactError if ``path`` exists and is no regular file, which a rename would replace."""
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "no regular file"
        raise ArtifactError(f"{path}: is {what}, expected the name of a file to write; give another one, or remove it")


def _remove(path: Path) -> None:
    with suppress(OSError):  # if the folder is unusable, another error already says so
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
