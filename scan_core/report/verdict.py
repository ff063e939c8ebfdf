"""Say in plain words what the clusters are worth."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Integer

from scan_core.console.words import counted
from scan_core.evaluation.best_kmeans import BestKMeans, best_kmeans
from scan_core.evaluation.csv_tables import step_curve
from scan_core.evaluation.matching import contingency, one_to_one
from scan_core.evaluation.metrics import Scores
from scan_core.evaluation.results import Results

GOOD = 0.8
"""Accuracy from which four of five pictures are right."""
ABOUT_HALF = 0.75
"""Largest share of the images that "the most confident ones" are called; more may be equally confident."""
EQUAL = 0.02
"""Two accuracies that differ by less than this are called equal: seeds differ by as much."""
CHANCE = 0.05
"""Adjusted Rand index up to which clusters and classes have nothing to do with each other: chance gives 0."""


class Verdict(NamedTuple):
    """One line to remember, and the figures that say so."""

    level: str
    """``good``, ``care`` or ``failed``."""
    title: str
    reasons: list[str]


def verdict(results: Results, kmeans: Integer[np.ndarray, " images"]) -> Verdict:
    """Judge the final model; ``kmeans`` is each image's cluster by k-means on the embeddings.

    Without labels, nothing can show that clusters are right, so the best that is said is to use them with care.
    """
    if results.meaningless:
        beside = results.baselines.get("kmeans")
        figure = f" With k-means on the same embeddings, the accuracy is {beside.acc:.0%}." if beside else ""
        reason = f"The predictions are the same for all pictures, so that these clusters mean nothing.{figure}"
        return Verdict("failed", "It did not learn", [reason])
    if results.self_label.scores is None:
        return Verdict("care", "Use with care: there are no labels to check against", _unlabeled(results, kmeans))
    return _labeled(results, results.self_label.scores)


def _labeled(results: Results, scores: Scores) -> Verdict:
    final = results.self_label
    many = len(final.sizes) > len(results.truth.names)
    right = scores.acc_many_to_one if many else scores.acc
    found = {name: other.acc_many_to_one if many else other.acc for name, other in results.baselines.items()}
    beside = best_kmeans(found)
    where = "of their cluster's majority class" if many else "in the cluster that fits their class"
    reasons = [f"{right:.0%} of the labeled pictures are {where}{_compared(beside)}."]
    if many:
        unmatched = counted(len(final.sizes) - len(results.truth.names), "cluster")
        reasons.append(f"Matched one-to-one, {scores.acc:.0%} are: {unmatched} without a class count as wrong.")
    curve = step_curve(final, results.truth)
    half = int(np.searchsorted(curve.coverage, 0.5))
    if curve.accuracy is not None and not many and curve.coverage[half] <= ABOUT_HALF:
        reasons.append(f"Of the {curve.coverage[half]:.0%} most confident ones, {curve.accuracy[half]:.0%} are.")
    several = len(np.unique(results.truth.labels[results.truth.labeled])) > 1  # of one class, the ARI is 0 or 1
    if several and scores.ari < CHANCE:
        return Verdict("failed", "It did not learn: the clusters have nothing to do with the labels", reasons)
    if beside and beside.accuracy - right >= EQUAL:
        return Verdict("care", f"Use with care: {beside} is better", reasons)
    if right >= GOOD:
        return Verdict("good", "Worth using", reasons)
    return Verdict("care", "Use with care", reasons)


def _compared(beside: BestKMeans | None) -> str:
    return f"; with {beside}, {beside.accuracy:.0%}" if beside else ""


def _unlabeled(results: Results, kmeans: Integer[np.ndarray, " images"]) -> list[str]:
    final = results.self_label
    count = max(len(final.sizes), int(kmeans.max()) + 1)
    table = contingency(final.clusters, kmeans.astype(np.int64), cluster_count=count, class_count=count)
    same = float((one_to_one(table)[final.clusters] == kmeans).mean())
    return [
        f"The mean confidence is {final.certainty.confidence:.0%}. It says how sure the model is, not whether it is "
        "right: look at the random and the least certain pictures of each cluster.",
        f"k-means on the same embeddings puts {same:.0%} of the pictures into the same clusters: agreement of two "
        "methods speaks for clusters, but proves nothing.",
    ]
