"""Find the free memory of the system, within the limits of this process's control groups."""

import math
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil


class _Files(NamedTuple):
    """The files in which a version of Linux's control groups (cgroups) gives a group's limit and use of memory."""

    controllers: str
    """The controllers of the line in /proc/self/cgroup that names this process's group."""
    folder: str
    limit: str
    used: str
    cached: tuple[str, ...]
    """Keys in memory.stat of memory that caches files, and is freed when memory is short."""


_V2 = _Files("", "sys/fs/cgroup", "memory.max", "memory.current", ("active_file", "inactive_file"))
_V1 = _Files(
    "memory",
    "sys/fs/cgroup/memory",
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    ("total_active_file", "total_inactive_file"),
)


def free_bytes(root: Path = Path("/")) -> float:
    """Return the free bytes of the system, or of its container if that has fewer.

    Args:
        root: of the file system in which Linux describes control groups.
    """
    free = float(psutil.virtual_memory().available)
    groups = [(files, group) for files in (_V2, _V1) for group in _groups(root, files)]
    return min([free, *(_free_in(group, files) for files, group in groups)])


def _groups(root: Path, files: _Files) -> Iterator[Path]:
    """Yield the folders of this process's group and of the groups around it, whose limits also apply."""
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, name = line.split(":", 2)
            if files.controllers in controllers.split(","):
                group = Path(name.lstrip("/"))
                yield from (root / files.folder / part for part in (group, *group.parents))


def _free_in(group: Path, files: _Files) -> float:
    """Return the group's limit minus its use; infinite if there is no limit, or none in these files."""
    try:
        limit = (group / files.limit).read_text(encoding="ascii").strip()
        used = int((group / files.used).read_text(encoding="ascii"))
        cached = dict(re.findall(r"(\w+) (\d+)", (group / "memory.stat").read_text(encoding="ascii")))
    except OSError:
        return math.inf
    if limit == "max":
        return math.inf
    return max(0.0, float(int(limit) - used + sum(int(cached.get(name, 0)) for name in files.cached)))
