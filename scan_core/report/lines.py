"""Line charts, as the coordinates that an SVG takes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.ticker import MaxNLocator

LEFT, TOP, WIDTH, HEIGHT = 46, 8, 280, 130
"""Where the lines are drawn, in units of the SVG."""
COUNTS = (2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Ticks of a logarithmic axis."""


class Series(NamedTuple):
    """One line: its name, and a value of y for each of x; values that are not finite are left out."""

    name: str
    x: Float[np.ndarray, " points"]
    y: Float[np.ndarray, " points"]


class Line(NamedTuple):
    """A drawn line."""

    name: str
    points: str
    """For an SVG ``polyline``."""


class Tick(NamedTuple):
    """A mark on an axis."""

    at: float
    text: str


class LineChart(NamedTuple):
    """A drawn chart."""

    title: str
    note: str
    """In words what the lines show, for who cannot see them."""
    x_label: str
    lines: list[Line]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    left: int = LEFT
    top: int = TOP
    width: int = WIDTH
    height: int = HEIGHT


def line_chart(
    title: str,
    series: Sequence[Series],
    *,
    x_label: str,
    note: str = "",
    percent: bool = False,
    logarithmic: bool = False,
) -> LineChart | None:
    """Draw lines on common axes; None where no line has two points.

    Args:
        percent: whether y is a share, shown in percent.
        logarithmic: whether x is.
    """
    finite = [Series(name, x[seen], y[seen]) for name, x, y in series for seen in [np.isfinite(y)]]
    shown = [each for each in finite if len(each.y) > 1]
    if not shown:
        return None
    across, down = (np.concatenate([each[axis] for each in shown]) for axis in (1, 2))
    y_values = _ticks(float(down.min()), float(down.max()))
    x_values = _ticks(float(across.min()), float(across.max()), whole=bool(across.max() > 1))
    scale = np.log if logarithmic else np.asarray
    if logarithmic:
        x_values = np.array(COUNTS, dtype=np.float64)
    edges = scale(np.array([across.min(), across.max()], dtype=np.float64))

    def place(values: np.ndarray) -> np.ndarray:
        return LEFT + WIDTH * (scale(values) - edges[0]) / max(float(edges[1] - edges[0]), 1e-12)

    def raised(values: np.ndarray) -> np.ndarray:
        return TOP + HEIGHT * (1 - (values - y_values[0]) / (y_values[-1] - y_values[0]))

    inside = x_values[(x_values >= across.min()) & (x_values <= across.max())]
    return LineChart(
        title,
        note,
        x_label,
        [Line(each.name, _points(place(each.x), raised(each.y))) for each in shown],
        [Tick(round(float(at), 1), f"{value:g}") for at, value in zip(place(inside), inside, strict=True)],
        [
            Tick(round(float(at), 1), f"{100 * value:.4g} %" if percent else f"{value:.4g}")
            for at, value in zip(raised(y_values), y_values, strict=True)
        ],
    )


def _ticks(lowest: float, highest: float, *, whole: bool = False) -> Float[np.ndarray, " ticks"]:
    """Round numbers that enclose both."""
    if highest - lowest < 1e-6 * max(1.0, abs(highest)):
        lowest, highest = lowest - 0.1 * max(abs(lowest), 1e-3), highest
    ticks = MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=whole).tick_values(lowest, highest)
    return np.asarray(ticks, dtype=np.float64).round(12)


def _points(x: np.ndarray, y: np.ndarray) -> str:
    return " ".join(f"{across:.1f},{down:.1f}" for across, down in zip(x, y, strict=True))
