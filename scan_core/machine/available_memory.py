"""Memory that is free: of the system, and within the limits of the control groups that this process is in."""

import math
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class _Files(NamedTuple):
    """Where a version of Linux's control groups (cgroups) says how much memory a group may take, and takes."""

    controllers: str
    """In /proc/self/cgroup, of the line that names the group of this process."""
    folder: str
    limit: str
    used: str
    cached: tuple[str, ...]
    """In memory.stat, what is used for files that are on the disk too, and given back when memory is short."""


_V2 = _Files("", "sys/fs/cgroup", "memory.max", "memory.current", ("active_file", "inactive_file"))
_V1 = _Files(
    "memory",
    "sys/fs/cgroup/memory",
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    ("total_active_file", "total_inactive_file"),
)


def free_bytes(root: Path = Path("/")) -> float:
    """Return what the system has left, or a container where that is less; infinite where neither is told.

    Args:
        root: of the file system, in which Linux tells it.
    """
    free = math.inf
    with suppress(OSError):
        if found := re.search(r"MemAvailable:\s+(\d+) kB", (root / "proc/meminfo").read_text(encoding="ascii")):
            free = float(found[1]) * 1024
    groups = [(files, group) for files in (_V2, _V1) for group in _groups(root, files)]
    return min([free, *(_free_in(group, files) for files, group in groups)])


def _groups(root: Path, files: _Files) -> Iterator[Path]:
    """Yield the folder of this process's group and those of the groups around it, whose limits hold for it too."""
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, name = line.split(":", 2)
            if files.controllers in controllers.split(","):
                group = Path(name.lstrip("/"))
                yield from (root / files.folder / part for part in (group, *group.parents))


def _free_in(group: Path, files: _Files) -> float:
    """Return the group's limit less what is used; infinite where it has no limit, or none by these files."""
    try:
        limit = (group / files.limit).read_text(encoding="ascii").strip()
        used = int((group / files.used).read_text(encoding="ascii"))
        cached = dict(re.findall(r"(\w+) (\d+)", (group / "memory.stat").read_text(encoding="ascii")))
    except OSError:
        return math.inf
    if limit == "max":
        return math.inf
    return max(0.0, float(int(limit) - used + sum(int(cached.get(name, 0)) for name in files.cached)))
