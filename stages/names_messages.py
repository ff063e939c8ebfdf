"""Write what ``python -m stages.names`` says about the names."""

from collections.abc import Iterable, Sequence

import numpy as np

from scan_core.console.words import counted
from scan_core.naming.carry_over import LEAST_SHARE, CarriedOver, Move
from scan_core.naming.groups import groups, ranked
from scan_core.naming.names import JUNK, Names
from stages.evaluated import Evaluated
from stages.paths import PAGE

FIRM = 0.8
"""Names that were carried over with less support get a line."""
MOST_NUMBERS = 20
"""Largest number of clusters that a line lists."""


def moved(names: Names, found: CarriedOver) -> list[str]:
    """Return a line for each old cluster with a name, for lost names, and for each name with little support."""
    lines = []
    for cluster, name in enumerate(names.names):
        if name:
            parts = [_now(move, name, found.names[move.new]) for move in found.moves if move.old == cluster]
            lines.append(f"old cluster {cluster}, “{name}”: now {', '.join(parts) or 'nowhere'}")
    if lost := [name for name in dict.fromkeys(filter(None, names.names)) if name not in found.names]:
        lines.append(f"lost, as no cluster is mostly of it: {', '.join(f'“{name}”' for name in lost)}")
    lines += [
        f"cluster {new}, “{name}”: only {share:.0%} of the listed pictures in it had that name"
        for new, (name, share) in enumerate(zip(found.names, found.support, strict=True))
        if name and share < FIRM
    ]
    return [
        *lines,
        "a cluster takes the name of more than half of the listed pictures in it; percentages are of the old cluster's "
        f"listed pictures, from {LEAST_SHARE:.0%} on",
    ]


def _now(move: Move, name: str, now: str) -> str:
    called = "" if now == name else f", where most are “{now}”" if now else ", without a name"
    return f"cluster {move.new} ({move.share:.0%}{called})"


def shown(names: Sequence[str], evaluated: Evaluated) -> list[str]:
    """Return a line for each name, with its clusters and number of pictures."""
    if not any(names):
        return [
            f"no names yet: give them on {PAGE}, save, and run python -m stages.names FILE; or write a form (--form)"
        ]
    grouped = groups(names)
    group = ranked(evaluated.probabilities, grouped, most=1).group[:, 0]
    sizes = np.bincount(group, minlength=len(grouped.names))
    clusters: dict[str, list[int]] = {}
    for cluster, name in enumerate(names):
        clusters.setdefault(name, []).append(cluster)
    nameless = clusters.pop("", [])
    lines = []
    for name, numbers in clusters.items():
        pictures = f"{sizes[grouped.of_cluster[numbers[0]]]:,} of {counted(len(group), 'picture')}"
        lines.append(f"{name}{' (set aside)' if name == JUNK else ''}: {pictures}, {_numbers(numbers)}")
    if nameless:
        lines.append(f"without a name: {_numbers(nameless)}")
    return [*lines, *_alike(clusters)]


def _alike(names: Iterable[str]) -> list[str]:
    """Return a line for names that differ in capitals alone, which was hardly meant."""
    spellings: dict[str, list[str]] = {}
    for name in names:
        spellings.setdefault(name.lower(), []).append(f"“{name}”")
    return [
        f"{' and '.join(names)} differ in capitals alone, and count as different names"
        for names in spellings.values()
        if len(names) > 1
    ]


def _numbers(clusters: Sequence[int]) -> str:
    shown = ", ".join(map(str, clusters[:MOST_NUMBERS]))
    more = f" and {len(clusters) - MOST_NUMBERS} more" if len(clusters) > MOST_NUMBERS else ""
    return f"cluster{'' if len(clusters) == 1 else 's'} {shown}{more}"
