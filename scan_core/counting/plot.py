"""The picture of the curve."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.style
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from scan_core.artifacts.atomic import atomic_path
from scan_core.counting.curve import Point
from scan_core.counting.suggest import Suggestion

TICKS = (2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
LINES = {
    "fit": ("fit: stand apart x stay together", "C0", 2.5),
    "silhouette": ("clusters stand apart (silhouette)", "C1", 1.0),
    "modularity": ("neighbors stay together (modularity)", "C7", 1.0),
    "agreement": ("two k-means agree (decides nothing)", "C8", 1.0),
}
"""Label, color and width of each figure's line."""


def write_curve(path: Path, points: Sequence[Point], suggestion: Suggestion) -> None:
    """Draw fit, silhouette, modularity and agreement over the number of clusters, the suggested range shaded (PNG)."""
    numbers = [point.clusters for point in points]
    with matplotlib.style.context("default"), atomic_path(path) as temporary:
        figure = Figure(figsize=(8, 4), layout="constrained")
        axes = figure.add_subplot()
        title = "No number of clusters fits: the embeddings form no clear groups"
        if suggestion.clear:
            axes.axvspan(suggestion.lowest, suggestion.highest, color="C0", alpha=0.12)
            axes.axvline(suggestion.clusters, color="C0", linestyle=":")
            title = f"{suggestion.clusters} clusters suggested; those in the shade fit about equally well"
        for name, (label, color, width) in LINES.items():
            values = [getattr(point, name) for point in points]
            axes.plot(numbers, values, color=color, linewidth=width, marker=".", label=label)
        axes.set_xscale("log")
        axes.set_xticks([tick for tick in TICKS if tick <= numbers[-1]])
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("number of clusters")
        axes.set_ylabel("higher is better")
        axes.set_title(title, loc="left")  # which the legend makes room for
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        axes.grid(alpha=0.3)
        figure.savefig(temporary, format="png", metadata={"Software": None})  # or equal curves would differ
