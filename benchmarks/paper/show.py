"""Show a table of the paper next to the project's results, as Markdown and as a picture."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from benchmarks.paper.place import Place
from benchmarks.paper.results import figure, read
from benchmarks.paper.tables import Found, Row, Table, runs, setting
from scan_core.evaluation.figure import BLUE, GRAY, ORANGE, look, save_png

NAMES = {"acc": "ACC", "nmi": "NMI", "ari": "ARI", "acc_many_to_one": "ACC, many-to-one", "top5": "top-5"}
UNFINISHED = 0.4
"""Opacity of the bars and points of unfinished rows."""
DATASETS = {
    "cifar10": "CIFAR-10",
    "cifar20": "CIFAR-100-20",
    "stl10": "STL-10",
    "cifar10-authors": "CIFAR-10, authors' code",
    "cifar20-authors": "CIFAR-100-20, authors' code",
    "stl10-authors": "STL-10, authors' code",
    "imagenet": "ImageNet",
    "imagenet50": "ImageNet-50",
    "imagenet100": "ImageNet-100",
    "imagenet200": "ImageNet-200",
    "imagenet50-authors": "ImageNet-50, authors' code",
    "imagenet100-authors": "ImageNet-100, authors' code",
    "imagenet200-authors": "ImageNet-200, authors' code",
}
COLORS = (BLUE, ORANGE, GRAY, *(f"C{number}" for number in range(2, 10)))
"""Of the curves."""
PAPER = "cifar10"
"""The dataset of the paper whose figures are shown next to those of a dataset that the paper does not have."""


class Shown(NamedTuple):
    """A row with its results."""

    row: Row
    seeds: int
    ours: dict[str, Found]
    """Mean and standard deviation (n - 1; None of one seed) of each metric, in percent."""
    theirs: dict[str, Found | None]
    commits: frozenset[str]
    machines: frozenset[str]


def collect(table: Table, where: Place) -> list[Shown]:
    """Return the rows of ``table`` with their results."""
    shown = []
    for row in table.rows.values():
        own = setting(row, where.preset, where.usual) if runs(row, table, where.preset, where.usual) else None
        entries = read(where.folder, own) if own else {}
        ours: dict[str, Found] = {}
        for metric in table.metrics:
            values = [value for entry in entries.values() if (value := figure(entry, row.step, metric)) is not None]
            if values:
                spread = statistics.stdev(values) if len(values) > 1 else None
                ours[metric] = (statistics.fmean(values), spread)
        theirs = row.paper.get(_compared(table, where), {})
        commits = frozenset(entry["commit"] for entry in entries.values())
        machines = frozenset(entry.get("machine", "") for entry in entries.values())
        shown.append(Shown(row, len(entries), ours, theirs, commits, machines))
    return shown


def markdown(table: Table, where: Place, *, seeds: int) -> str:
    """Return ``table`` as Markdown; a row with fewer than ``seeds`` is marked as unfinished."""
    shown = collect(table, where)
    compared = [metric for metric in table.metrics if any(row.theirs.get(metric) for row in shown)]
    compared_with = _compared(table, where)
    of, same = _name(compared_with), compared_with in _datasets(where)
    differences = ["difference"] if same else []
    heads = ["", "seeds"]
    for metric in table.metrics:
        name = _heading(metric, table)
        heads += [name, *([f"paper, {of}", *differences] if metric in compared else [])]
    lines = [[*heads], ["---"] * len(heads)]
    for row in shown:
        cells = [row.row.label, _seeds(row, seeds)]
        for metric in table.metrics:
            cells.append(_found(row.ours.get(metric)))
            if metric in compared:
                ours, theirs = row.ours.get(metric), row.theirs.get(metric)
                cells += [_found(theirs), *([_difference(ours, theirs)] if same else [])]
        lines.append(cells)
    notes = [f"- {row.row.label}: {row.row.note}." for row in shown if row.row.note]
    commits = sorted(set().union(*(row.commits for row in shown)))
    machines = sorted(set().union(*(row.machines for row in shown)))
    text = [
        f"# {table.title}",
        "",
        table.about,
        "",
        f"Here: {where.folder.name}, mean ± standard deviation (n - 1) over seeds, in percent; a dash is a figure that "
        f"the paper does not give, or that is not there yet. {_origin(commits, machines)}",
        "",
        *(f"| {' | '.join(cells)} |" for cells in lines),
        *(["", *notes] if notes else []),
    ]
    return "\n".join(text) + "\n"


def plot(table: Table, where: Place, *, seeds: int, file: Path) -> None:
    """Draw the first metric of ``table``: curves with bands of one standard deviation, or a bar for each row.

    Rows with fewer than ``seeds`` are pale. Curves of another dataset are left out.
    """
    shown, metric = collect(table, where), table.metrics[0]
    compared = _compared(table, where)
    of = _name(compared)
    curves = any(row.row.x is not None for row in shown)
    with look():
        size = (7.0, 4.5) if curves else (8.0, 1.6 + 0.4 * len(shown))
        drawing = Figure(figsize=size, layout="constrained")
        axes = drawing.add_subplot()
        if curves:
            _curves(axes, shown, metric, of if compared in _datasets(where) else "", seeds=seeds)
            axes.set(xlabel=table.x_label, ylabel=f"{NAMES.get(metric, metric)} (%)")
            axes.set_xticks(sorted({row.row.x for row in shown if row.row.x is not None and row.ours}))
            axes.grid(alpha=0.3)
        else:
            _bars(axes, shown, metric, of, seeds=seeds)
            axes.set_xlabel(f"{NAMES.get(metric, metric)} (%)")
        drawing.suptitle(f"{table.title}\n{where.folder.name}", fontsize=11)
        if axes.get_legend_handles_labels()[0]:
            drawing.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    save_png(file, drawing)


def _curves(axes: Axes, shown: Sequence[Shown], metric: str, of: str, *, seeds: int) -> None:
    for number, series in enumerate(dict.fromkeys(row.row.series for row in shown)):
        color = COLORS[number % len(COLORS)]
        points = [row for row in shown if row.row.series == series and row.row.x is not None]
        for name, style, each in (("", "-", "ours"), (f"paper, {of}: ", "x--", "theirs"))[: 2 if of else 1]:
            found = [(row, value) for row in points if (value := getattr(row, each).get(metric))]
            if not found:
                continue
            x = [row.row.x or 0.0 for row, _ in found]
            mean = [value[0] for _, value in found]
            axes.plot(x, mean, style, color=color, label=f"{name}{series}", alpha=1.0 if each == "ours" else 0.6)
            if each == "ours":
                colors = [to_rgba(color, UNFINISHED if row.seeds < seeds else 1.0) for row, _ in found]
                axes.scatter(x, mean, color=colors, zorder=3)
            spread = [value[1] or 0.0 for _, value in found]
            low, high = zip(*((m - s, m + s) for m, s in zip(mean, spread, strict=True)), strict=True)
            axes.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0)


def _bars(axes: Axes, shown: Sequence[Shown], metric: str, of: str, *, seeds: int) -> None:
    paper = any(row.theirs.get(row.row.drawn or metric) for row in shown)
    height, offset = (0.38, 0.2) if paper else (0.6, 0.0)
    for place, row in enumerate(shown):
        pale = UNFINISHED if row.seeds < seeds else 1.0
        drawn = row.row.drawn or metric
        each = ((-offset, BLUE, row.ours.get(drawn), pale), (offset, GRAY, row.theirs.get(drawn), 1.0))
        for moved, color, value, alpha in each:
            if value is None:
                continue
            mean, spread = value
            y = place + moved
            axes.barh(y, mean, height, color=color, alpha=alpha, xerr=spread, error_kw={"elinewidth": 1, "capsize": 2})
            axes.annotate(
                f"{mean:.1f}", (mean + (spread or 0.0), y), (4, 0), textcoords="offset points", va="center", fontsize=8
            )
    pale = any(row.seeds < seeds for row in shown if row.ours)
    axes.add_patch(Rectangle((0, 0), 0, 0, color=BLUE, label="here (pale: unfinished)" if pale else "here"))
    if paper:
        axes.add_patch(Rectangle((0, 0), 0, 0, color=GRAY, label=f"paper, {of}"))
    axes.set_yticks(range(len(shown)), [row.row.label for row in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlim(0, 108)  # room for the number beside a bar of 100
    axes.set_xticks(range(0, 101, 20))


def _compared(table: Table, where: Place) -> str:
    """Return the dataset whose figures of the paper are shown."""
    known = {name for row in table.rows.values() for name in row.paper}
    return next((name for name in _datasets(where) if name in known), PAPER)


def _datasets(where: Place) -> tuple[str, ...]:
    """Return the names that these images may have in the tables."""
    return where.preset, where.preset.partition("-")[0], str(where.usual["data.name"])


def _heading(metric: str, table: Table) -> str:
    """Return the name of a metric; ACC says that it is one-to-one where both stand in the table."""
    both = metric == "acc" and "acc_many_to_one" in table.metrics
    return "ACC, one-to-one" if both else NAMES.get(metric, metric)


def _name(dataset: str) -> str:
    return DATASETS.get(dataset, dataset)


def _seeds(shown: Shown, seeds: int) -> str:
    if not shown.row.run:
        return "not run"
    return str(shown.seeds) if shown.seeds >= seeds else f"{shown.seeds} of {seeds}, unfinished"


def _found(found: Found | None) -> str:
    if found is None:
        return "-"
    mean, spread = found
    return f"{mean:.1f}" if spread is None else f"{mean:.1f} ± {spread:.1f}"


def _difference(ours: Found | None, theirs: Found | None) -> str:
    return f"{ours[0] - theirs[0]:+.1f}" if ours and theirs else "-"


def _origin(commits: Sequence[str], machines: Sequence[str]) -> str:
    """Return which code and which machines the figures are of."""
    if not commits:
        return "Nothing has run yet."
    named = [machine or "machines that were not recorded" for machine in sorted(machines, key="".__eq__)]
    return f"Run at commit{'s' * (len(commits) > 1)} {', '.join(commits)}, on {' and '.join(named)}."
