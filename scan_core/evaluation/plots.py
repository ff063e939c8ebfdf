"""Draw charts: confusions, cluster sizes, confidence against accuracy, neighbor purity."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from scan_core.evaluation.confidence import ConfidenceCurve
from scan_core.evaluation.confusion import Confusion, normalize_rows
from scan_core.evaluation.figure import BLUE, GRAY, ORANGE, look, shorten

ANNOTATED = 25
"""With more rows or columns than this, cells have no numbers."""
NAMED = 60
"""With more rows, columns or bars than this, they have no names."""
CELLS = 250
"""With more rows or columns than this, a cell shows the largest share of a block."""


def plot_confusion(confusion: Confusion, names: Sequence[str]) -> Figure:
    """Draw a heat map of each class's shares, in percent of the row; unmatched clusters are the last columns."""
    shares = normalize_rows(confusion.counts)
    rows, columns = shares.shape
    with look():
        figure = Figure(figsize=_heatmap_size(rows, columns), layout="constrained")
        axes = figure.add_subplot()
        many, block = max(rows, columns) > NAMED, -(-max(rows, columns) // CELLS)
        cells = largest_of_blocks(shares, block)
        height, width = (block * count - 0.5 for count in cells.shape)
        image = axes.imshow(
            cells,
            norm=PowerNorm(0.5, vmin=0, vmax=1) if many else Normalize(vmin=0, vmax=1),
            cmap="Blues",
            aspect="equal" if columns < 2 * rows else "auto",
            extent=(-0.5, width, height, -0.5),
        )
        axes.set_ylabel("class")
        axes.set_xlabel("predicted class" + (" | unmatched clusters" if len(confusion.unmatched) else ""))
        axes.set_title("Percent of each class" + (f", largest of {block} x {block} cells" if block > 1 else ""))
        ticks = [0, 0.05, 0.25, 0.5, 1] if many else [0, 0.5, 1]
        bar = figure.colorbar(image, ax=axes, shrink=0.6, ticks=ticks)
        bar.ax.set_yticklabels([f"{100 * tick:.0f} %" for tick in ticks])
        if len(confusion.unmatched):
            axes.axvline(rows - 0.5, color=ORANGE)
        _name_cells(axes, names, [*names, *(f"cluster {cluster}" for cluster in confusion.unmatched)])
        if max(rows, columns) <= ANNOTATED:
            _annotate(axes, shares)
        return figure


def largest_of_blocks(
    shares: Float[np.ndarray, "rows columns"], block: int
) -> Float[np.ndarray, "fewer_rows fewer_columns"]:
    """Return the largest share in each square of ``block`` rows and columns; incomplete squares count."""
    height, width = (-(-count // block) for count in shares.shape)
    padded = np.zeros((height * block, width * block))
    padded[: shares.shape[0], : shares.shape[1]] = shares
    return padded.reshape(height, block, width, block).max(axis=(1, 3))


def _heatmap_size(rows: int, columns: int) -> tuple[float, float]:
    cell = 0.5 if max(rows, columns) <= ANNOTATED else 0.25
    largest = 12.0 if max(rows, columns) <= NAMED else 8.0
    width, height = (float(np.clip(cell * count, 2.5, largest)) for count in (columns, rows))
    return width + 2.5, height + 1.7


def _name_cells(axes: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    axes.spines[:].set_visible(True)
    if max(len(rows), len(columns)) > NAMED:
        return
    axes.set_yticks(range(len(rows)), [shorten(name, 18) for name in rows])
    axes.set_xticks(range(len(columns)), [shorten(name, 18) for name in columns], rotation=90)


def _annotate(axes: Axes, shares: Float[np.ndarray, "rows columns"]) -> None:
    for (row, column), share in np.ndenumerate(shares):
        if share >= 0.005:
            color = "white" if share > 0.5 else "black"
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=color, fontsize=8)


def plot_cluster_sizes(
    sizes: Int[np.ndarray, " clusters"], correct: Int[np.ndarray, " clusters"] | None, names: Sequence[str]
) -> Figure:
    """Draw the size of each cluster; the largest first if there are too many to name.

    Args:
        correct: the number of images of each cluster's class in it; None without labels.
        names: the prediction of each cluster.
    """
    count = len(sizes)
    order = np.arange(count) if count <= NAMED else np.argsort(-sizes, kind="stable")
    with look():
        figure = Figure(figsize=(float(np.clip(0.45 * count, 5, 11)), 4), layout="constrained")
        axes = figure.add_subplot()
        width = 0.8 if count <= NAMED else 1.0
        if correct is None:
            axes.bar(range(count), sizes[order], width, color=BLUE)
        else:
            axes.bar(range(count), sizes[order], width, color=GRAY, label="other images")
            axes.bar(range(count), correct[order], width, color=BLUE, label="of the cluster's class")
        axes.axhline(float(sizes.mean()), color=ORANGE, linestyle="--", label="equal sizes")
        axes.set_ylabel("images")
        axes.set_xlim(-0.6, count - 0.4)
        if count <= NAMED:
            labels = [_bar_name(cluster, names[cluster]) for cluster in order.tolist()]
            flat = count <= 5 and max(map(len, labels)) <= 12
            axes.set_xticks(range(count), labels, rotation=0 if flat else 90)
        else:
            axes.set_xlabel(f"{count} clusters, largest first")
        axes.set_title("Images of each cluster")
        figure.legend(loc="outside upper right", ncols=3, frameon=False, fontsize=9)
        return figure


def _bar_name(cluster: int, name: str) -> str:
    return name if name == f"cluster {cluster}" else f"{cluster}: {shorten(name, 18)}"


def plot_confidence(curves: Mapping[str, ConfidenceCurve]) -> Figure:
    """Draw accuracy (solid) and lowest confidence (dashed) of the most confident images, for each step."""
    with look():
        figure = Figure(figsize=(6.5, 4), layout="constrained")
        axes = figure.add_subplot()
        for color, (step, curve) in zip((BLUE, ORANGE), curves.items(), strict=False):
            share = 100 * curve.coverage
            if curve.accuracy is not None:
                axes.plot(share, 100 * curve.accuracy, color=color, marker=".", label=f"{step}: accuracy")
            axes.plot(share, 100 * curve.threshold, color=color, linestyle="--", label=f"{step}: lowest confidence")
        axes.set_xlabel("most confident images accepted (%)")
        axes.set_ylabel("%")
        axes.set_xlim(0, 101)
        axes.set_ylim(_floor(curves.values()), 101)
        scored = any(curve.accuracy is not None for curve in curves.values())
        axes.set_title("What the confidence is worth" if scored else "How confident the model is")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=9, loc="lower left")
        return figure


def _floor(curves: Iterable[ConfidenceCurve]) -> float:
    """Return the largest multiple of 10 % that is at least 5 % below every value, or 0."""
    values = [value for curve in curves for value in (curve.accuracy, curve.threshold) if value is not None]
    return max(0.0, np.floor(10 * float(np.nanmin(np.concatenate(values))) - 0.5) * 10)


def plot_purity(purity: Float[np.ndarray, " k"]) -> Figure:
    """Draw the neighbor purity for k = 1..K."""
    k = np.arange(1, len(purity) + 1)
    with look():
        figure = Figure(figsize=(6.5, 4), layout="constrained")
        axes = figure.add_subplot()
        axes.plot(k, 100 * purity, color=BLUE, marker="." if len(k) <= NAMED else None)
        for i in {0, len(k) - 1} & set(np.flatnonzero(np.isfinite(purity))):
            point = (k[i], 100 * purity[i])
            axes.annotate(
                f"{point[1]:.1f}", point, (0, 8), textcoords="offset points", ha="left" if i == 0 else "right"
            )
        axes.set_xlabel("nearest neighbors considered (k)")
        axes.set_ylabel("of the image's class (%)")
        axes.set_ylim(0, 110)
        axes.set_yticks(range(0, 101, 20))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
        axes.set_title("Neighbor purity")
        axes.grid(alpha=0.3)
        return figure
