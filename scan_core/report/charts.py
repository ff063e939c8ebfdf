"""The charts of the page."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from scan_core.evaluation.csv_tables import step_curve
from scan_core.evaluation.results import Results
from scan_core.report.lines import LineChart, Series, line_chart
from scan_core.report.thumbnails import data_uri

COUNTED = ("fit", "silhouette", "modularity", "agreement")


class Source(NamedTuple):
    """A file with a picture or a curve, and its title."""

    title: str
    path: Path


class Picture(NamedTuple):
    """A picture that is there already."""

    title: str
    uri: str


def pictures_in(sources: Sequence[Source]) -> list[Picture]:
    """Read the PNG files that exist."""
    return [Picture(title, data_uri(path.read_bytes(), "png")) for title, path in sources if path.exists()]


def curves(sources: Sequence[Source]) -> list[LineChart]:
    """Draw the DVCLive tables that exist, over the epochs; a value that is not finite is left out."""
    return [curve for source in sources if source.path.exists() if (curve := _curve(source))]


def cluster_number_chart(source: Source, note: str) -> list[LineChart]:
    """Draw how well each number of clusters fits, if count-clusters has tried some."""
    if not source.path.exists():
        return []
    table = pd.read_csv(source.path)
    tried = table["clusters"].to_numpy(np.float64)
    lines = [Series(name, tried, table[name].to_numpy(np.float64)) for name in COUNTED]
    chart = line_chart(source.title, lines, x_label="clusters", note=note, logarithmic=True)
    return [chart] if chart else []


def result_charts(results: Results) -> list[LineChart]:
    """Draw what the confidence is worth, and the purity of the neighbors, if there are labels."""
    steps = {"final model": results.self_label}
    steps |= {} if results.passed_through else {"SCAN step": results.scan}
    found = {name: step_curve(step, results.truth) for name, step in steps.items()}
    accuracy = [
        Series(name, curve.coverage, curve.accuracy) for name, curve in found.items() if curve.accuracy is not None
    ]
    lowest = [Series(name, curve.coverage, curve.threshold) for name, curve in found.items()]
    k = np.arange(1, len(results.purity) + 1, dtype=np.float64)
    share = "share of the pictures, the most confident ones first"
    charts = [
        line_chart("Accuracy among the most confident pictures", accuracy, x_label=share, percent=True),
        line_chart("Lowest confidence among the most confident pictures", lowest, x_label=share, percent=True),
        line_chart(
            "How often the k nearest neighbors are of a picture's class",
            [Series("purity", k, results.purity)],
            x_label="k",
            percent=True,
        ),
    ]
    return [chart for chart in charts if chart]


def _curve(source: Source) -> LineChart | None:
    table = pd.read_csv(source.path, sep="\t")
    values = table.iloc[:, 1].to_numpy(np.float64)
    seen = values[np.isfinite(values)]
    if len(seen) < 2:
        return None
    note = f"{len(seen)} epochs, {seen.min():.4g} to {seen.max():.4g}, last {seen[-1]:.4g}"
    epochs = np.arange(1, len(values) + 1, dtype=np.float64)
    return line_chart(source.title, [Series(source.title, epochs, values)], x_label="epoch", note=note)
