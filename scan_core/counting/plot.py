"""The picture of the curve."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from scan_core.counting.curve import Point
from scan_core.counting.suggest import Suggestion
from scan_core.evaluation.figure import BLUE, GRAY, ORANGE, look

TICKS = (2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)


def plot_curve(points: Sequence[Point], suggestion: Suggestion) -> Figure:
    """Draw fit, silhouette, modularity and agreement over the number of clusters, the suggested range shaded."""
    numbers = [point.clusters for point in points]
    with look():
        figure = Figure(figsize=(6.5, 4), layout="constrained")
        axes = figure.add_subplot()
        axes.axvspan(suggestion.lowest, suggestion.highest, color=BLUE, alpha=0.12)
        axes.axvline(suggestion.clusters, color=BLUE, linestyle=":")
        axes.plot(numbers, [point.modularity for point in points], color=GRAY, label="modularity")
        axes.plot(numbers, [point.agreement for point in points], color=GRAY, linestyle="--", label="agreement")
        axes.plot(numbers, [point.silhouette for point in points], color=ORANGE, label="silhouette")
        axes.plot(numbers, [point.fit for point in points], color=BLUE, marker=".", label="silhouette x modularity")
        axes.set_xscale("log")
        axes.set_xticks([tick for tick in TICKS if tick <= numbers[-1]])
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("clusters")
        axes.set_title(f"{suggestion.lowest} to {suggestion.highest} clusters fit nearly as well as the best")
        axes.legend(frameon=False)
        axes.grid(alpha=0.3)
        return figure
