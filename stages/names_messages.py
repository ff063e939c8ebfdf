"""What ``python -m stages.names`` says of the names."""

from collections.abc import Sequence

from scan_core.naming.carry_over import LEAST_SHARE, CarriedOver, Move
from scan_core.naming.groups import groups
from scan_core.naming.names import Names
from stages.evaluated import Evaluated
from stages.paths import REPORTS

PAGE = REPORTS / "report.html"
FIRM = 0.8
"""A name that was carried over with less support is pointed out."""
MOST_NUMBERS = 20
"""Upper limit of the numbers of clusters in a line."""


def moved(names: Names, found: CarriedOver) -> list[str]:
    """What became of each old cluster with a name, the names that are lost, and the clusters without one."""
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
    lines = []
    grouped, sizes, total = groups(names), evaluated.sizes, len(evaluated.paths)
    for group, name in enumerate(grouped.names):
        clusters = [cluster for cluster, one in enumerate(grouped.of_cluster) if one == group]
        if not names[clusters[0]]:
            continue
        pictures = sum(sizes[cluster] for cluster in clusters)
        aside = " (set aside)" if group == grouped.junk else ""
        lines.append(f"{name}{aside}: {pictures:,} of {total:,} pictures, {_numbers(clusters)}")
    if nameless := [cluster for cluster, name in enumerate(names) if not name]:
        lines.append(f"without a name: {_numbers(nameless)}")
    return lines


def _numbers(clusters: Sequence[int]) -> str:
    shown = ", ".join(map(str, clusters[:MOST_NUMBERS]))
    more = f" and {len(clusters) - MOST_NUMBERS} more" if len(clusters) > MOST_NUMBERS else ""
    return f"cluster{'' if len(clusters) == 1 else 's'} {shown}{more}"
