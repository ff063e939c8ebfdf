"""Where each picture goes: a name in its cluster's folder that nothing else has."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from scan_core.sorting.folder_names import same
from scan_core.sorting.manifest import Made

MOST_BYTES = 255
"""Of a file's name."""
DIGITS = (8, 16, 32, 64)
"""Of the path's SHA-256, at the end of a name; more where fewer are taken."""


def choose_targets(pictures: Mapping[str, str], made: Iterable[Made], folder: Path) -> dict[str, str]:
    """Return where each picture goes, relative to ``folder``: ``cluster's folder/name``.

    What was made already keeps its name. Otherwise the first picture of a name gets it, and each further one has a
    part of its path's SHA-256 at the end, as have those whose name a file has that something else made.

    Args:
        pictures: path of each original -> its cluster's folder.
        made: files that an earlier run made.
    """
    targets = {}
    taken = {place: _listed(folder / place) for place in set(pictures.values())}
    for one in made:
        place, name = one.target.split("/")
        taken.setdefault(place, set()).add(same(name))
        if one.source in pictures:
            targets[one.source] = one.target
    for path, place in pictures.items():
        if path not in targets:
            name = next(name for name in _candidates(path) if same(name) not in taken[place])
            taken[place].add(same(name))
            targets[path] = f"{place}/{name}"
    return targets


def _candidates(path: str) -> Iterable[str]:
    name = PurePosixPath(path).name
    yield name
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()
    stem, suffix = os.path.splitext(name)  # noqa: PTH122, as it takes a name of any bytes
    for digits in DIGITS:
        end = os.fsencode(f"-{digest[:digits]}{suffix}")
        yield os.fsdecode(_shortened(stem, MOST_BYTES - len(end)) + end)


def _shortened(stem: str, most: int) -> bytes:
    """The first bytes of ``stem``, no character cut."""
    encoded = os.fsencode(stem)
    while len(encoded) > most:
        stem = stem[:-1]
        encoded = os.fsencode(stem)
    return encoded


def _listed(folder: Path) -> set[str]:
    try:
        return {same(name) for name in os.listdir(folder)}  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError):  # place_pictures says so
        return set()
