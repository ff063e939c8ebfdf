"""The results of a run, and the metrics that are reported."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, Integer

from scan_core.evaluation.confidence import Certainty, certainty, cluster_sizes
from scan_core.evaluation.matching import contingency, one_to_one
from scan_core.evaluation.metrics import Scores, score
from scan_core.evaluation.truth import Truth
from scan_core.training.chance import Usage, alike, information, undecided

PURITY_AT = (1, 5, 10, 20, 50)


class StepResult(NamedTuple):
    """One model's predictions for the images to evaluate, and their scores."""

    probabilities: Float32[np.ndarray, "images clusters"]
    certainty: Certainty
    scores: Scores | None
    """The scores; None without labels."""
    mapping: Int[np.ndarray, " clusters"] | None
    """Each cluster's class, one-to-one; None without labels."""
    selection_loss: float | None

    @property
    def clusters(self) -> Int[np.ndarray, " images"]:
        """Return the most probable cluster of each image."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> Float32[np.ndarray, " images"]:
        """Return the probability of that cluster."""
        return self.probabilities.max(axis=1)

    @property
    def sizes(self) -> Int[np.ndarray, " clusters"]:
        """Return the number of images of each cluster."""
        return cluster_sizes(self.clusters, cluster_count=self.probabilities.shape[1])


def usage(step: StepResult) -> Usage:
    """Describe how a model uses its clusters on the images to evaluate."""
    certainty, sizes = step.certainty, step.sizes
    told = information(torch.from_numpy(step.probabilities))
    return Usage(certainty.clusters_used, float(sizes.max() / sizes.sum()), certainty.entropy, told)


class Results(NamedTuple):
    """Everything that the evaluation found."""

    truth: Truth
    """The classes of the images to evaluate."""
    scan: StepResult
    self_label: StepResult
    """The final model: that of self-labeling, or of the SCAN step if self-labeling was rejected."""
    baselines: dict[str, Scores]
    """The scores of each baseline; empty without labels."""
    purity: Float[np.ndarray, " k"]
    """Neighbor purity for k = 1..K; empty without labels."""
    self_label_epochs: int = 0
    """Epochs of self-labeling in the final model; 0 if it is the SCAN step's model."""
    rejected: StepResult | None = None
    """The model that self-labeling ended with, if it was rejected."""
    kmeans: Int[np.ndarray, " images"] | None = None
    """The clusters of k-means on the embeddings, to show beside those of a failed training; else None."""
    in_training: Usage | None = None
    """How the SCAN step's model uses its clusters on the images that it learned from. None if that is not known: the
    images to evaluate take their place, though they may be all of one class."""

    @property
    def passed_through(self) -> bool:
        """Return whether the final model is that of the SCAN step."""
        return np.array_equal(self.scan.probabilities, self.self_label.probabilities)

    @property
    def scan_usage(self) -> Usage:
        """Return how the SCAN step's model uses its clusters, if possible on the images that it learned from."""
        return self.in_training or usage(self.scan)

    @property
    def meaningless(self) -> bool:
        """Return whether the SCAN step is at a trivial solution: one cluster, or one prediction for all images, uniform
        or that of ``scan.prior``."""
        found = self.scan_usage
        return found.clusters_used == 1 or alike(found.information, found.entropy)

    def undecided(self, prior: Sequence[float] | None) -> bool:
        """Return whether the SCAN step predicts nearly the same for all images: uniform or ``prior``, no collapse."""
        clusters, found = self.scan.probabilities.shape[1], self.scan_usage
        return undecided(found.information, found.entropy, clusters=clusters, prior=prior)


def step_result(
    probabilities: Float32[np.ndarray, "images clusters"], truth: Truth, *, selection_loss: float | None
) -> StepResult:
    """Score one model on its labeled images."""
    summary = certainty(probabilities)
    labeled = truth.labeled
    if not labeled.any():
        return StepResult(probabilities, summary, None, None, selection_loss)
    clusters, labels = probabilities.argmax(axis=1)[labeled], truth.labels[labeled]
    count, class_count = probabilities.shape[1], len(truth.names)
    scores = score(clusters, labels, cluster_count=count, class_count=class_count, probabilities=probabilities[labeled])
    mapping = one_to_one(contingency(clusters, labels, cluster_count=count, class_count=class_count))
    return StepResult(probabilities, summary, scores, mapping, selection_loss)


def score_baselines(baselines: Mapping[str, Integer[np.ndarray, " images"]], truth: Truth) -> dict[str, Scores]:
    """Score each method's clusters on the images of ``truth``; empty if none is labeled."""
    labeled = truth.labeled
    if not labeled.any():
        return {}
    labels, class_count = truth.labels[labeled], len(truth.names)
    return {
        method: score(clusters[labeled], labels, cluster_count=int(clusters.max()) + 1, class_count=class_count)
        for method, clusters in baselines.items()
    }


def headline(results: Results) -> dict[str, int | float]:
    """Return the few metrics by which experiments are compared; those that need labels are absent without them."""
    final = results.self_label
    run = {"clusters": len(final.sizes), "self_label_epochs": results.self_label_epochs}
    if final.scores is None or results.scan.scores is None:
        certainty = final.certainty
        return _rounded({"confidence": certainty.confidence, "clusters_used": certainty.clusters_used, **run})
    figures: dict[str, int | float | None] = {
        "acc": final.scores.acc,
        "nmi": final.scores.nmi,
        "ari": final.scores.ari,
        "scan_acc": results.scan.scores.acc,
    }
    if "kmeans" in results.baselines:
        figures["kmeans_acc"] = results.baselines["kmeans"].acc
    if len(results.purity):
        figures["purity"] = float(results.purity[-1])
    return _rounded(figures | run)


def details(results: Results) -> dict[str, int | float]:
    """Return all further metrics: the final model's without a prefix, others prefixed by their step or method."""
    figures: dict[str, int | float | None] = {
        "images_evaluated": len(results.truth.labels),
        "images_labeled": int(results.truth.labeled.sum()),
        "classes": len(results.truth.names) or None,
        **_step_figures(results.self_label),
        "self_label_selection_loss": results.self_label.selection_loss,
        **{f"scan_{name}": value for name, value in _step_figures(results.scan).items()},
        "scan_selection_loss": results.scan.selection_loss,
        "clusters_mean_nothing": int(results.meaningless),
    }
    if results.rejected:
        figures |= {f"rejected_{name}": value for name, value in _step_figures(results.rejected).items()}
    for method, scores in results.baselines.items():
        figures |= {f"{method}_{name}": value for name, value in scores._asdict().items()}
    figures |= {f"purity_at_{k}": float(results.purity[k - 1]) for k in PURITY_AT if k <= len(results.purity)}
    registered = headline(results)
    return {name: value for name, value in _rounded(figures).items() if name not in registered}


def _step_figures(step: StepResult) -> dict[str, int | float | None]:
    scores = {} if step.scores is None else step.scores._asdict()
    return {**scores, **step.certainty._asdict()}


def _rounded(figures: Mapping[str, int | float | None]) -> dict[str, int | float]:
    return {
        name: value if isinstance(value, int) else round(value, 4)
        for name, value in figures.items()
        if value is not None and math.isfinite(value)
    }
