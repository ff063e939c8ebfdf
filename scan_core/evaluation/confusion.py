"""The confusion matrix."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from scan_core.evaluation.matching import UNMATCHED, contingency


class Confusion(NamedTuple):
    """Number of images by true class (row) and prediction (column)."""

    counts: Int[np.ndarray, "classes predictions"]
    """The first columns are the classes, in order; the others are the unmatched clusters."""
    unmatched: Int[np.ndarray, " unmatched"]
    """The clusters of the last columns, ascending."""


def confusion(
    clusters: Int[np.ndarray, " images"],
    labels: Int[np.ndarray, " images"],
    mapping: Int[np.ndarray, " clusters"],
    *,
    class_count: int,
) -> Confusion:
    """Count images by true class and predicted class, by the one-to-one ``mapping``."""
    table = contingency(clusters, labels, cluster_count=len(mapping), class_count=class_count)
    matched, unmatched = np.flatnonzero(mapping != UNMATCHED), np.flatnonzero(mapping == UNMATCHED)
    counts = np.zeros((class_count, class_count + len(unmatched)), dtype=np.int64)
    counts[:, mapping[matched]] = table[matched].T
    counts[:, class_count:] = table[unmatched].T
    return Confusion(counts, unmatched)


def normalize_rows(counts: Int[np.ndarray, "classes predictions"]) -> Float[np.ndarray, "classes predictions"]:
    """Divide each row by its sum, so that rare classes are as visible as frequent ones; a row of zeros stays 0."""
    totals = counts.sum(axis=1, keepdims=True)
    return counts / np.maximum(totals, 1)
