"""Find the pictures that a person names: folders, files, patterns, and a list on standard input."""

import glob
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scan_core.datasets.dataset import Skipped
from scan_core.datasets.folder import pictures_below
from scan_core.datasets.walk import printable
from scan_core.errors import DataError

KEY = "PICTURES"
STDIN = "-"
RECURSIVE = re.compile(r"(?:(?<=/)|^)\*\*(?:/|$)")
"""Folders of any depth, in a pattern."""


class Found(NamedTuple):
    """Pictures to label."""

    paths: list[str]
    """Their names in the table."""
    files: list[str]
    """Their paths on this machine."""
    skipped: list[Skipped]
    """Entries that are no pictures, as was seen before any was read."""
    left_out: Counter[str]
    """Number of other files in the folders, by their kind."""


def find_pictures(given: Sequence[str | Path], stdin: Iterable[bytes]) -> Found:
    """Find what is ``given``: each a folder, a file, a pattern, or ``-`` for a list of folders and files on ``stdin``.

    Pictures of a single folder are named by their paths below it, a single file by its name, all others as they are
    given. Each is taken once. Entries of a list that do not exist stay in, to be reported with unreadable pictures.

    Raises:
        DataError: nothing there, no picture in the only folder, or an empty list.
    """
    found = Found([], [], [], Counter())
    only = len(given) == 1 and os.path.exists(given[0])  # noqa: PTH110, which raises where a pattern is too long
    for place in _places(given, stdin):
        if only and Path(place).is_dir():
            _add_folder(found, place, called="")
        elif Path(place).is_dir():
            try:
                _add_folder(found, place, called="" if place == "." else printable(place))
            except DataError:
                found.skipped.append(Skipped(printable(place), "a folder without a picture, or which cannot be read"))
        else:
            found.files.append(place)
            found.paths.append(printable(Path(place).name if only else place))
    if not found.files and not found.skipped:
        raise DataError(f"{KEY}: nothing is listed on standard input, expected a path in each line")
    return _once(found)


def _places(given: Sequence[str | Path], stdin: Iterable[bytes]) -> Iterator[str]:
    for one in map(str, given):
        if one == STDIN:
            yield from _listed(stdin)
        elif os.path.lexists(one):
            yield one
        elif not glob.has_magic(one):
            pictures_below(Path(one).absolute(), key=KEY)  # says that there is nothing
        elif matches := sorted({*_matching(one)}):
            yield from matches
        else:
            raise DataError(f"{KEY}: nothing matches {one} in {Path.cwd()}; correct the pattern")


def _matching(pattern: str) -> Iterator[str]:
    """Yield what matches; below ``**``, no link to a folder is followed, for it may lead in a circle."""
    before, *after = RECURSIVE.split(pattern, maxsplit=1)
    if not after:
        yield from glob.glob(pattern)  # noqa: PTH207, which does not take absolute patterns
        return
    for base in glob.glob(before) if before else [""]:  # noqa: PTH207
        if not after[0]:
            yield base or "."
            continue
        for folder, below, _ in os.walk(base or "."):
            below[:] = [name for name in below if not name.startswith(".")]
            place = folder if base else os.path.relpath(folder)
            yield from _matching(after[0] if place == "." else f"{glob.escape(place.rstrip('/'))}/{after[0]}")


def _listed(stdin: Iterable[bytes]) -> Iterator[str]:
    """Yield paths that stand in lines, or between zero bytes, as ``find -print0`` writes them."""
    content = b"".join(stdin)
    entries = content.split(b"\0") if b"\0" in content else content.replace(b"\r\n", b"\n").split(b"\n")
    return (os.fsdecode(entry) for entry in entries if entry)


def _add_folder(found: Found, folder: str, *, called: str) -> None:
    dataset = pictures_below(Path(folder).absolute(), key=KEY)
    before = f"{called.rstrip('/')}/" if called else ""
    found.paths.extend(f"{before}{path}" for path in dataset.path)
    found.files.extend(map(str, dataset.read(np.arange(len(dataset.path)))))
    found.skipped.extend(Skipped(f"{before}{path}", reason) for path, reason in dataset.skipped)
    found.left_out.update(dataset.left_out)


def _once(found: Found) -> Found:
    numbers: dict[str, int] = {}
    for number, file in enumerate(found.files):
        numbers.setdefault(os.path.abspath(file), number)  # noqa: PTH100, which would follow links
    paths, files = ([column[number] for number in numbers.values()] for column in (found.paths, found.files))
    return found._replace(paths=paths, files=files)
