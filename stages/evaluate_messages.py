"""Write what a person reads on the terminal after an evaluation."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scan_core.console.words import counted
from scan_core.evaluation.results import Results, StepResult, usage
from scan_core.training.chance import Usage
from stages.advice import BALANCE, MEANINGLESS, collapse_warning

FEW = 5
"""Images for each cluster: of fewer, some clusters have none by chance."""


def suggested(metadata: Mapping[str, Any]) -> str | None:
    """Say that count-clusters chose the number of a model's clusters, by its ``metadata``; None if a person did."""
    if not metadata.get("suggested_from"):
        return None
    low, high = metadata["suggested_from"]
    return (
        f"{metadata['clusters']} clusters, as count-clusters suggests ({low} to {high} fit nearly as well: "
        "reports/count_clusters/curve.png); scan.clusters sets another number"
    )


def warnings(results: Results, told: Sequence[str] = (), *, prior: Sequence[float] | None = None) -> list[str]:
    """Say what is wrong with the clusters, the worst first; empty where all is well.

    Args:
        told: during the trainings (:func:`stages.advice.told`).
        prior: the share of each class that the SCAN step was given; None asked for equal ones.
    """
    found = [MEANINGLESS] if results.meaningless else []
    found += told
    undecided, clusters = results.undecided(prior), len(results.scan.sizes)
    step = "scan" if results.in_training is None else "scan, training images"
    scan = [] if undecided else _collapse(step, results.scan_usage, clusters, prior)
    found += scan
    here = usage(results.scan)
    differ = not undecided and not scan and bool(_collapse("scan", here, clusters, prior))
    if differ and len(results.truth.labels) >= FEW * clusters:
        found.append(
            f"the images to evaluate lie in {here.clusters_used} of {counted(clusters, 'cluster')}, the largest with "
            f"{here.largest_cluster:.0%} of them, and those that the SCAN step learned from do not: this is right if "
            "they are of few classes; otherwise they differ from the training images"
        )
    elif results.self_label_epochs and not differ:
        remedy = BALANCE if scan else "lower self_label.learning_rate or self_label.epochs"
        found += _collapse("self_label", usage(results.self_label), clusters, prior, remedy=remedy)
    return found


def _collapse(
    step: str, found: Usage, clusters: int, prior: Sequence[float] | None, *, remedy: str = BALANCE
) -> list[str]:
    message = collapse_warning(
        used=found.clusters_used,
        clusters=clusters,
        largest=found.largest_cluster,
        entropy=found.entropy,
        prior=prior,
        remedy=remedy,
    )
    return [f"{step}: {message}"] if message else []


def summary(results: Results) -> str:
    """Return a table of at most 80 columns, with a line for each step and baseline.

    ``self_label`` has a line where it is another model than ``scan``, ``rejected`` is what it came to where it is not.
    """
    if results.self_label.scores is None:
        return _label_free(results)
    steps = {**{name: step.scores for name, step in _steps(results).items()}, **results.baselines}
    width = max(16, *(len(name) + 1 for name in steps))
    lines = [f"{'':{width}}{'ACC':>8}{'NMI':>8}{'ARI':>8}{'many-to-one':>13}"]
    for name, scores in steps.items():
        if scores is not None:
            figures = (f"{value:8.4f}" for value in (scores.acc, scores.nmi, scores.ari))
            lines.append(f"{name:{width}}{''.join(figures)}{scores.acc_many_to_one:13.4f}")
    clusters, classes = len(results.self_label.sizes), len(results.truth.names)
    if clusters > classes:
        extra = counted(clusters - classes, "cluster")
        lines.append(f"ACC is one-to-one: images of {extra} without a class count as wrong")
    if len(results.purity):
        lines.append(f"purity of the {counted(len(results.purity), 'nearest neighbor')}: {results.purity[-1]:.4f}")
    labeled, images = int(results.truth.labeled.sum()), len(results.truth.labels)
    lines.append(f"on {labeled:,} labeled of {counted(images, 'evaluated image')}")
    return "\n".join(lines)


def _label_free(results: Results) -> str:
    lines = [f"{'':16}{'confidence':>12}{'entropy':>10}{'clusters used':>15}"]
    for name, step in _steps(results).items():
        figures = step.certainty
        lines.append(f"{name:16}{figures.confidence:12.4f}{figures.entropy:10.4f}{figures.clusters_used:15d}")
    return "\n".join([*lines, f"on {counted(len(results.truth.labels), 'evaluated image')}, none of them labeled"])


def _steps(results: Results) -> dict[str, StepResult]:
    """Return the models to list; the SCAN step's stands once where it is the final one, too."""
    same = np.array_equal(results.self_label.probabilities, results.scan.probabilities)
    taken = {} if same else {"self_label": results.self_label}
    rejected = {"rejected": results.rejected} if results.rejected else {}
    return {**taken, "scan": results.scan, **rejected}
