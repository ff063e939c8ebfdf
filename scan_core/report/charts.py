"""Learning curves as lines of an SVG, and charts that are there already."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from scan_core.report.thumbnails import data_uri

WIDTH, HEIGHT = 320, 120
"""Of a curve, in units of the SVG."""


class Source(NamedTuple):
    """A file with a chart or a curve, and its title."""

    title: str
    path: Path


class Curve(NamedTuple):
    """One curve over the epochs."""

    title: str
    points: str
    """For an SVG ``polyline``."""
    lowest: float
    highest: float
    last: float
    epochs: int


class Chart(NamedTuple):
    """One chart, with the picture itself."""

    title: str
    uri: str


def curves(sources: Sequence[Source]) -> list[Curve]:
    """Read the DVCLive tables that exist; a value that is not finite is left out."""
    return [curve for source in sources if source.path.exists() if (curve := _curve(source))]


def charts(sources: Sequence[Source]) -> list[Chart]:
    """Read the PNG files that exist."""
    return [Chart(title, data_uri(path.read_bytes(), "png")) for title, path in sources if path.exists()]


def _curve(source: Source) -> Curve | None:
    table = pd.read_csv(source.path, sep="\t")
    values = table.iloc[:, 1].to_numpy(np.float64)
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return None
    lowest, highest = float(values.min()), float(values.max())
    across = np.linspace(0, WIDTH, len(values))
    down = HEIGHT * (1 - (values - lowest) / max(highest - lowest, 1e-12))
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
    return Curve(source.title, points, lowest, highest, float(values[-1]), len(values))
