"""Write the files that people open after an evaluation."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, Int64, UInt8

from scan_core.artifacts.atomic import write_text
from scan_core.evaluation.confidence import cluster_sizes
from scan_core.evaluation.confusion import confusion
from scan_core.evaluation.csv_tables import (
    assignment_table,
    cluster_table,
    confidence_table,
    confusion_table,
    csv,
    frequent_confusions,
    prediction_names,
    purity_table,
    step_curve,
)
from scan_core.evaluation.figure import save_png
from scan_core.evaluation.galleries import prototype_gallery, shown_clusters, uncertain_gallery
from scan_core.evaluation.plots import NAMED, plot_cluster_sizes, plot_confidence, plot_confusion, plot_purity
from scan_core.evaluation.prototypes import copies_last, least_confident, prototypes
from scan_core.evaluation.results import Results
from scan_core.images.images import Images

UNCERTAIN = 40


def write_tables(folder: Path, results: Results, paths: Sequence[str]) -> None:
    """Write the CSV files; without labels, ``confusion.csv`` and ``purity.csv`` are empty: DVC expects them.

    Args:
        paths: the origin of each image of ``results``.
    """
    final, truth = results.self_label, results.truth
    names = (
        prediction_names(final.mapping, truth, cluster_count=len(final.sizes)) if final.mapping is not None else None
    )
    write_text(folder / "assignments.csv", csv(assignment_table(final.probabilities, paths, names, results.kmeans)))
    write_text(folder / "cluster_sizes.csv", csv(cluster_table(final, truth)))
    write_text(folder / "confidence.csv", csv(confidence_table(step_curve(final, truth))))
    write_text(folder / "confusion.csv", csv(confusion_table(final, truth)))
    write_text(folder / "purity.csv", csv(purity_table(results.purity)))


def write_charts(folder: Path, results: Results, shown_names: Sequence[str]) -> None:
    """Write ``clusters.png``, ``confidence.png`` and, with labels, ``confusion.png`` and ``purity.png``.

    With many classes, also write ``confusions.csv``, the most frequent confusions.

    Args:
        shown_names: names of the classes, see :func:`scan_core.evaluation.fonts.drawable`.
    """
    final, truth = results.self_label, results.truth._replace(names=tuple(shown_names))
    names = prediction_names(final.mapping, truth, cluster_count=len(final.sizes))
    curves = {"self_label": step_curve(final, truth), "scan": step_curve(results.scan, truth)}
    save_png(folder / "confidence.png", plot_confidence(curves))
    correct = None
    if final.mapping is not None:
        labeled = truth.labeled
        clusters, labels = final.clusters[labeled], truth.labels[labeled]
        right = final.mapping[clusters] == labels
        correct = np.bincount(clusters[right], minlength=len(final.sizes))
        table = confusion(clusters, labels, final.mapping, class_count=len(truth.names))
        save_png(folder / "confusion.png", plot_confusion(table, truth.names))
        if len(truth.names) > NAMED:  # if the chart names no class
            write_text(folder / "confusions.csv", csv(frequent_confusions(table, results.truth.names)))
    save_png(folder / "clusters.png", plot_cluster_sizes(final.sizes, correct, names))
    if len(results.purity):
        save_png(folder / "purity.png", plot_purity(results.purity))


def write_galleries(
    folder: Path,
    results: Results,
    image_ids: Int64[np.ndarray, " evaluated"],
    images: Images,
    embeddings: Float32[np.ndarray, "images dimensions"],
    shown_names: Sequence[str],
    *,
    prototype_count: int,
) -> None:
    """Write ``prototypes.png`` and ``uncertain.png``, and ``prototypes_kmeans.png`` if the training has failed.

    Args:
        image_ids: the images of ``results``.
        images: all images; only those shown are read.
        embeddings: the embedding of every image.
        shown_names: names of the classes, see :func:`scan_core.evaluation.fonts.drawable`.
    """
    final, truth = results.self_label, results.truth._replace(names=tuple(shown_names))
    count = len(final.sizes)
    names = prediction_names(final.mapping, truth, cluster_count=count)
    ranked = prototypes(
        embeddings[image_ids], final.clusters, final.confidence, cluster_count=count, count=prototype_count
    )
    _write_prototypes(folder / "prototypes.png", ranked, final.sizes, names, images, image_ids)
    if results.kmeans is not None:
        count = max(count, int(results.kmeans.max()) + 1)  # baselines by hand may have more
        sizes = cluster_sizes(results.kmeans, cluster_count=count)
        alike = np.ones(len(image_ids))
        ranked = prototypes(
            embeddings[image_ids],
            results.kmeans,
            alike,
            cluster_count=count,
            count=prototype_count,
            averaged=len(image_ids),
        )
        clusters = [f"cluster {cluster}" for cluster in range(count)]
        _write_prototypes(folder / "prototypes_kmeans.png", ranked, sizes, clusters, images, image_ids)

    doubtful = least_confident(final.confidence, count=len(image_ids))
    doubtful = copies_last(doubtful, embeddings[image_ids], count=UNCERTAIN)
    predicted = [names[cluster] for cluster in final.clusters[doubtful]]
    actual = [truth.names[label] if label >= 0 else None for label in truth.labels[doubtful]]
    pictures = _pictures(images, image_ids[doubtful])
    save_png(folder / "uncertain.png", uncertain_gallery(pictures, predicted, final.confidence[doubtful], actual))


def _write_prototypes(
    path: Path,
    ranked: Sequence[Int64[np.ndarray, " _"]],
    sizes: Int64[np.ndarray, " clusters"],
    names: Sequence[str],
    images: Images,
    image_ids: Int64[np.ndarray, " evaluated"],
) -> None:
    """Draw the largest clusters; ``ranked`` has each cluster's rows of ``image_ids``, the most typical first."""
    shown = [ranked[cluster] for cluster in shown_clusters(sizes)]
    pictures = _pictures(images, image_ids[np.concatenate(shown)])
    save_png(path, prototype_gallery(pictures, [len(rows) for rows in shown], sizes, names))


def _pictures(images: Images, image_ids: Int64[np.ndarray, " shown"]) -> UInt8[np.ndarray, "shown channels size size"]:
    return images.gather(torch.from_numpy(image_ids)).cpu().numpy()
