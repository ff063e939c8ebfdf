"""``manifest.jsonl``: what was made in a folder of sorted pictures, and from what; a line is written before its file.

The first line says for which model, names and pictures; each further line is a folder or a file that was made. Paths
are relative; a byte of a name that is no UTF-8 is a lone surrogate, as Python has it. A later line of the same file
replaces an earlier one, and a last line that a kill has cut off does not count.
"""

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from scan_core.artifacts.atomic import write_text
from scan_core.errors import DataError

MANIFEST = "manifest.jsonl"
VERSION = 1


class Head(NamedTuple):
    """What decides where each picture goes."""

    model: str
    """``sha256:`` and the SHA-256 of the model's file."""
    names: tuple[str, ...]
    """Of each cluster."""
    minimum_confidence: float
    source: str
    """The folder of the originals, absolute."""


class Made(NamedTuple):
    """A file that was made, or was about to be."""

    source: str
    """The original, relative to ``Head.source``."""
    target: str
    """``folder/name``."""
    mode: str
    """``copy``, ``hardlink`` or ``symlink``."""
    mark: str
    """By which the file is known: a copy's SHA-256, a hard link's inode, where a symbolic link leads."""
    size: int
    """Of the original then, in bytes."""
    mtime_ns: int
    """Of the original then."""


class Manifest(NamedTuple):
    """All that one manifest says."""

    head: Head
    made_root: bool
    """Whether the folder of the manifest was made, too."""
    folders: list[str]
    made: dict[str, Made]
    """By target."""


def read_manifest(folder: Path) -> Manifest | None:
    """Read the manifest in ``folder``; None where there is none.

    Raises:
        DataError: a file of that name which is no manifest.
    """
    path = folder / MANIFEST
    try:
        text = path.read_bytes().decode("ascii")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); move it away, or give another folder") from error
    whole, _, _ = text.rpartition("\n")
    lines = whole.split("\n")
    try:
        head = json.loads(lines[0])
        if head["version"] != VERSION:
            raise ValueError(f"version {head['version']}")
        found = Manifest(_head(head), bool(head["made_root"]), [], {})
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: not a list of what python -m stages.sort made; move it away, or give another folder"
        ) from error
    for number, line in enumerate(lines[1:], start=2):
        try:
            _add(found, json.loads(line))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path}: line {number} is damaged; remove that line, or give another folder") from error
    return found


def write_head(folder: Path, head: Head, *, made_root: bool) -> None:
    """Start a manifest."""
    write_text(folder / MANIFEST, _line({"version": VERSION, **head._asdict(), "made_root": made_root}))


def continued(folder: Path) -> IO[bytes]:
    """Open the manifest of ``folder`` for :func:`add_folder` and :func:`add_made`, unbuffered; a cut line goes."""
    file = (folder / MANIFEST).open("r+b", buffering=0)
    file.truncate(file.read().rfind(b"\n") + 1)
    file.seek(0, 2)
    return file


def add_folder(file: IO[bytes], folder: str) -> None:
    """Say that ``folder`` is about to be made."""
    _write(file, _line({"folder": folder}))


def add_made(file: IO[bytes], made: Made) -> None:
    """Say that a file is about to be made."""
    _write(file, _line(made._asdict()))


def _write(file: IO[bytes], line: str) -> None:
    left = line.encode()
    while left:  # on a full disk, a part is written, and the next attempt says so
        left = left[file.write(left) :]


def _head(values: Mapping[str, Any]) -> Head:
    return Head(
        str(values["model"]), tuple(values["names"]), float(values["minimum_confidence"]), str(values["source"])
    )


def _add(found: Manifest, values: dict[str, Any]) -> None:
    if "folder" in values:
        found.folders.append(_inside(values["folder"], parts=1))
    else:
        made = Made(**values)
        found.made[_inside(made.target, parts=2)] = made


def _inside(path: str, *, parts: int) -> str:
    if len(PurePosixPath(path).parts) != parts or ".." in path.split("/") or path.startswith("/"):
        raise ValueError(path)
    return path


def _line(values: Mapping[str, Any]) -> str:
    return f"{json.dumps(values)}\n"
