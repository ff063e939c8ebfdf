"""The confusion matrix and the sizes of the clusters, as what an SVG takes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from scan_core.evaluation.confusion import confusion, normalize_rows
from scan_core.evaluation.figure import shorten
from scan_core.evaluation.plots import ANNOTATED, NAMED, largest_of_blocks
from scan_core.evaluation.results import Results

BLOCKS = 100
"""With more rows or columns than this, a cell shows the largest share of a block."""
SHOWN = 0.005
"""Smallest share of a row that is drawn."""
LONGEST = 16
"""Characters of a class's name."""


class Cell(NamedTuple):
    """One square."""

    row: int
    column: int
    share: float
    """Of the row's pictures, in [0, 1]."""


class Matrix(NamedTuple):
    """Shares of each class (row) in each predicted class (column); clusters without a class are the last columns."""

    cells: list[Cell]
    rows: int
    columns: int
    classes: int
    """Columns before those of clusters without a class."""
    side: int
    """Of a cell, in units of the SVG."""
    row_names: Sequence[str]
    column_names: Sequence[str]
    """Empty where there are too many to read."""
    numbers: bool
    """Whether cells say their percentage."""
    block: int
    """Rows and columns of a cell."""

    @property
    def margin(self) -> int:
        """Return the room for the names, in units of the SVG."""
        return 14 + 7 * max(map(len, self.column_names), default=-1)


class Sizes(NamedTuple):
    """The pictures of each cluster as the outline of bars, in units of 300 x 130."""

    all: str
    right: str
    """Those of the cluster's class; empty without labels."""
    largest: int
    equal: float
    """Height of equal sizes."""
    sorted: bool
    """Whether the largest come first; else they stand in order."""
    clusters: int


def confusion_matrix(results: Results) -> Matrix | None:
    """Draw the final model's confusions; None without labels."""
    final, truth = results.self_label, results.truth
    if final.mapping is None:
        return None
    labeled = truth.labeled
    table = confusion(final.clusters[labeled], truth.labels[labeled], final.mapping, class_count=len(truth.names))
    shares = normalize_rows(table.counts)
    rows, columns = shares.shape
    most = max(rows, columns)
    block = -(-most // BLOCKS)
    drawn = largest_of_blocks(shares, block)
    names = [shorten(name, LONGEST) for name in truth.names]
    predicted = [*names, *(f"cluster {cluster}" for cluster in table.unmatched)]
    return Matrix(
        [Cell(int(row), int(column), float(drawn[row, column])) for row, column in np.argwhere(drawn >= SHOWN)],
        drawn.shape[0],
        drawn.shape[1],
        rows / block,
        24 if most <= ANNOTATED else 13 if most <= NAMED else 5,
        names if most <= NAMED else (),
        predicted if most <= NAMED else (),
        most <= ANNOTATED,
        block,
    )


def cluster_sizes_chart(results: Results) -> Sizes:
    """Draw the sizes of the final model's clusters, the largest first if there are too many to name."""
    final, truth = results.self_label, results.truth
    sizes, count = final.sizes, len(final.sizes)
    order = np.arange(count) if count <= ANNOTATED else np.argsort(-sizes, kind="stable")
    right = ""
    if final.mapping is not None:
        hits = truth.labeled & (final.mapping[final.clusters] == truth.labels)
        right = _bars(np.bincount(final.clusters[hits], minlength=count)[order], int(sizes.max()))
    equal = 130 * (1 - float(sizes.mean() / sizes.max()))
    return Sizes(_bars(sizes[order], int(sizes.max())), right, int(sizes.max()), equal, count > ANNOTATED, count)


def _bars(sizes: np.ndarray, largest: int) -> str:
    wide = 300 / len(sizes)
    gap = min(4.0, wide / 4)
    return "".join(
        f"M{i * wide + gap / 2:.2f},130v{-130 * size / largest:.2f}h{wide - gap:.2f}V130z"
        for i, size in enumerate(sizes.tolist())
        if size
    )
