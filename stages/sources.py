"""Refuse pictures that lie where the pipeline writes: DVC removes a stage's outputs before it runs the stage."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from scan_core.datasets.source import locate
from scan_core.datasets.table import WITHOUT_FILE
from scan_core.encoders.pretrained import HUB, PACKAGED
from scan_core.errors import DataError, ParamsError
from stages.params import Params

OWNED = ("data/artifacts", "reports", ".dvc", ".git", ".resume")
"""Folders whose content the stages, DVC or git write, replace and remove."""


def check_sources(params: Params, *, root: Path, origin: str) -> None:
    """Raise ParamsError unless all that ``params`` names on this machine lies outside what the project ``root`` owns.

    A folder of pictures must not hold the project, or what it owns, either. Links are followed. What cannot be located
    at all is left to fetch, which says why.

    Args:
        origin: of the values, for the message.
    """
    data, weights = params.data, params.encoder.weights
    named = {
        "data.source": data.source,
        "data.labels": None if data.labels in WITHOUT_FILE else data.labels,
        "data.classes_file": data.classes_file,
        "encoder.weights": None if weights in (PACKAGED, HUB) else weights,
    }
    for key, value in named.items():
        for path in _places(value, root):
            if reason := against(path, root):
                raise ParamsError(
                    f"{origin}: {key}: found {value}, which {reason}; expected a place of your own, that no run "
                    "can empty: move it to data/pictures, for instance, or outside the project"
                )


def _places(value: str | None, root: Path) -> Iterator[Path]:
    """Return the local path that ``value`` names, as written and with links resolved; nothing for a URL."""
    try:
        path = locate(value, root=root, key="")
        if isinstance(path, Path):
            yield Path(os.path.abspath(path))  # noqa: PTH100, resolve() would follow links
            yield path.resolve()
    except (DataError, OSError, RuntimeError, ValueError):
        return


def against(path: Path, root: Path) -> str | None:
    """Say what is wrong with pictures at ``path``, or return None.

    A folder may have several names: by upper and lower case on some disks, or where it is mounted twice. So what is
    there is compared, too.
    """
    return _against(path, root, Path.is_relative_to) or _against(path, root, _is_inside)


def _against(path: Path, root: Path, is_inside: Callable[[Path, Path], bool]) -> str | None:
    if is_inside(root, path):
        return "contains the project itself"
    for name in OWNED:
        for owned in {root / name, (root / name).resolve()}:
            if is_inside(path, owned):
                return f"lies in {name}, where the pipeline writes and removes files"
            if is_inside(owned, path):
                return f"contains {name}, where the pipeline writes and removes files"
    return None


def _is_inside(path: Path, folder: Path) -> bool:
    return any(_is_same(parent, folder) for parent in (path, *path.parents))


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):  # nothing there, or a name that cannot be
        return False
