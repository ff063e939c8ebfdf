"""Find the pictures below a folder, by suffix or content, and count the other files."""

import os
import re
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from scan_core.console.words import counted
from scan_core.datasets.dataset import Skipped
from scan_core.images.formats import is_picture

SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".mpo",
    ".png",
    ".webp",
    ".bmp",
    ".gif",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
    ".pbm",
    ".pnm",
    ".jp2",
    ".avif",
    ".heic",
    ".heif",
    ".hif",
)
"""A file with such a suffix is a picture; if it cannot be decoded, it is skipped and listed."""

NOT_ENTERED = {
    "@eadir", "#recycle", "@recycle", "@recently-snapshot", "$recycle.bin", "system volume information", "lost+found",
}  # fmt: skip
"""Folders, in lower case, in which disk stations and systems keep thumbnails, copies, and what was removed."""

PREVIEWS = ".lrdata"
"""Suffix of the folders in which Lightroom keeps previews of the pictures."""

LIBRARY, ORIGINALS = ".photoslibrary", {"originals", "masters"}
"""Suffix of the folders of Apple's Photos, and which folders in them do not hold smaller copies."""


UNREADABLE = "folder cannot be read"
"""Beginning of the reason for which a folder is in ``Tree.skipped``."""


class Tree(NamedTuple):
    """The content of a folder; paths are relative to it, with ``/``."""

    pictures: list[str]
    skipped: list[Skipped]
    """Entries with a picture's suffix that are no files, and folders that cannot be read."""
    left_out: Counter[str]
    """Numbers of other files (by suffix), of hidden files, of hidden folders, and of folders not entered."""


def walk(root: Path) -> Tree:
    """Find the pictures. Each folder is entered once, even if links lead to it several times or in a loop."""
    tree = Tree([], [], Counter())
    seen: set[tuple[int, int]] = set()
    folders, links = deque([""]), deque[str]()
    while folders or links:
        folder = (folders or links).popleft()
        try:
            for entry in enter(root / folder, seen):
                path = f"{folder}/{entry.name}".lstrip("/")
                is_folder = _holds(entry.is_dir)
                if entry.name.startswith("."):
                    tree.left_out[f"hidden {'folder' if is_folder else 'file'}"] += 1
                elif not is_folder:
                    _sort_in(tree, root, path, regular=_holds(entry.is_file))
                elif not _is_entered(root / folder, entry.name.lower()):
                    tree.left_out[f"folder {printable(entry.name)}"] += 1
                else:
                    (links if entry.is_symlink() else folders).append(path)
        except OSError as error:
            tree.skipped.append(Skipped(printable(folder), f"{UNREADABLE} ({error.strerror})"))
    tree.pictures.sort()
    tree.skipped.sort()
    return tree


def in_words(count: int, kind: str) -> str:
    """Return ``3 .txt``, ``1 hidden folder``, ``2 folders @eaDir`` for a ``kind`` of ``Tree.left_out``."""
    plural = re.sub("^(hidden file|hidden folder|folder)", r"\1s", kind)
    return counted(count, kind, plural)


def printable(name: str) -> str:
    """Return ``name`` with bytes that are not UTF-8 written as ``\\xNN``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _is_entered(parent: Path, name: str) -> bool:
    if parent.suffix.lower() == LIBRARY:
        return name in ORIGINALS
    return name not in NOT_ENTERED and not name.endswith(PREVIEWS)


def enter(folder: Path, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """Return the entries of ``folder`` and add it to ``seen``; nothing if it is there already."""
    status = folder.stat()
    if (status.st_dev, status.st_ino) in seen:
        return []
    seen.add((status.st_dev, status.st_ino))
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _holds(test: Callable[[], bool]) -> bool:
    try:
        return test()
    except OSError:  # a link to itself, or into a closed folder
        return False


def _sort_in(tree: Tree, root: Path, path: str, *, regular: bool) -> None:
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in SUFFIXES and not regular:
        tree.skipped.append(Skipped(printable(path), "not a file, or a link to nothing"))
    elif suffix in SUFFIXES or (regular and is_picture(root / path)):
        tree.pictures.append(path)
    else:
        tree.left_out[printable(suffix) or "without a suffix"] += 1
