"""The tables behind the plots, as DVC's plot templates expect them: one row per point."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from scan_core.evaluation.confidence import ConfidenceCurve, confidence_curve
from scan_core.evaluation.confusion import Confusion, normalize_rows
from scan_core.evaluation.matching import UNMATCHED
from scan_core.evaluation.results import StepResult
from scan_core.evaluation.truth import Truth

CONFUSION_LIMIT = 100_000
FREQUENT = 100
"""Upper limit of the number of confusions listed."""


def csv(table: pd.DataFrame) -> str:
    """Return ``table`` as CSV with four decimals; equal tables give equal text."""
    return table.to_csv(index=False, float_format="%.4f", lineterminator="\n")


def prediction_names(mapping: Int[np.ndarray, " clusters"] | None, truth: Truth, *, cluster_count: int) -> list[str]:
    """Return the name of each cluster's class, or ``cluster 7`` if no class was matched to it."""
    classes = np.full(cluster_count, UNMATCHED) if mapping is None else mapping
    return [f"cluster {cluster}" if label == UNMATCHED else truth.names[label] for cluster, label in enumerate(classes)]


def purity_table(purity: Float[np.ndarray, " k"]) -> pd.DataFrame:
    """Return a table of ``k`` and the neighbor purity at k."""
    return pd.DataFrame({"k": np.arange(1, len(purity) + 1), "purity": purity})


def step_curve(step: StepResult, truth: Truth) -> ConfidenceCurve:
    """Return the step's confidence curve on its labeled images; if there are none, on all images, without accuracy."""
    if step.mapping is None:
        return confidence_curve(step.confidence, None)
    labeled = truth.labeled
    correct = step.mapping[step.clusters] == truth.labels
    return confidence_curve(step.confidence[labeled], correct[labeled])


def confidence_table(curve: ConfidenceCurve) -> pd.DataFrame:
    """Return ``coverage``, ``threshold`` and ``accuracy`` (empty without labels: DVC's plot needs the column)."""
    accuracy = np.nan if curve.accuracy is None else curve.accuracy
    return pd.DataFrame({"coverage": curve.coverage, "threshold": curve.threshold, "accuracy": accuracy})


def cluster_table(step: StepResult, truth: Truth) -> pd.DataFrame:
    """Return one row per cluster: images, their share and mean confidence and, with labels, class and accuracy.

    The accuracy is the share of the cluster's labeled images that are of its class; empty if none is labeled.
    """
    sizes, count = step.sizes, step.probabilities.shape[1]
    table = pd.DataFrame(
        {
            "cluster": np.arange(count),
            "images": sizes,
            "share": sizes / sizes.sum(),
            "confidence": _means(step.confidence, step.clusters, count),
        }
    )
    if step.mapping is None:
        return table
    labeled = truth.labeled
    correct = (step.mapping[step.clusters] == truth.labels)[labeled]
    table.insert(1, "class", prediction_names(step.mapping, truth, cluster_count=count))
    return table.assign(accuracy=_means(correct, step.clusters[labeled], count))


def assignment_table(
    probabilities: Float[np.ndarray, "images clusters"],
    paths: Sequence[str],
    names: Sequence[str] | None = None,
    kmeans: Int[np.ndarray, " images"] | None = None,
) -> pd.DataFrame:
    """Return one row per image: ``path``, ``cluster``, ``class``, ``confidence``; by cluster, the most confident first.

    Args:
        paths: the origin of each image.
        names: each cluster's class, see :func:`prediction_names`; None leaves the column out.
        kmeans: each image's cluster by k-means, for a column ``kmeans`` that orders the rows; None leaves it out.
    """
    clusters = probabilities.argmax(axis=1)
    table = pd.DataFrame({"path": paths, "cluster": clusters, "confidence": probabilities.max(axis=1)})
    if names is not None:
        table.insert(2, "class", np.array(names)[clusters])
    if kmeans is not None:
        table["kmeans"] = kmeans
        return table.sort_values(["kmeans", "cluster"], kind="stable")
    return table.sort_values(["cluster", "confidence"], ascending=[True, False], kind="stable")


def confusion_table(step: StepResult, truth: Truth) -> pd.DataFrame:
    """Return the ``actual`` and ``predicted`` class name of each labeled image; DVC's confusion template counts them.

    If there are more than 100,000 images, only every n-th is listed, so that a browser can open the plot.
    """
    labeled = np.flatnonzero(truth.labeled)
    rows = labeled[:: max(1, -(-len(labeled) // CONFUSION_LIMIT))]
    predicted = np.array(prediction_names(step.mapping, truth, cluster_count=step.probabilities.shape[1]))
    return pd.DataFrame(
        {"actual": np.array(truth.names)[truth.labels[rows]], "predicted": predicted[step.clusters[rows]]}
    )


def frequent_confusions(confusion: Confusion, names: Sequence[str]) -> pd.DataFrame:
    """Return the most frequent mistakes: ``class``, ``predicted``, ``images``, and their ``share`` of the class."""
    counts = confusion.counts.copy()
    np.fill_diagonal(counts, 0)
    flat = np.argsort(-counts, axis=None, kind="stable")[:FREQUENT]
    rows, columns = np.unravel_index(flat[counts.ravel()[flat] > 0], counts.shape)
    predictions = [*names, *(f"cluster {cluster}" for cluster in confusion.unmatched)]
    return pd.DataFrame(
        {
            "class": [names[row] for row in rows],
            "predicted": [predictions[column] for column in columns],
            "images": counts[rows, columns],
            "share": normalize_rows(confusion.counts)[rows, columns],
        }
    )


def _means(
    values: np.ndarray, clusters: Int[np.ndarray, " images"], cluster_count: int
) -> Float[np.ndarray, " clusters"]:
    sizes = np.bincount(clusters, minlength=cluster_count)
    totals = np.bincount(clusters, weights=values, minlength=cluster_count)
    return np.where(sizes > 0, totals / np.maximum(sizes, 1), np.nan)
