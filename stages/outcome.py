"""Say in one line what the last run has found, and which page to open: ``python -m stages.outcome``."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from scan_core.console.progress import tell
from scan_core.console.words import counted
from scan_core.errors import ArtifactError
from stages.cli import run
from stages.paths import DETAILS, METRICS, PAGE


def main(
    figures: Annotated[Path, typer.Option(help="The figures of the run.")] = METRICS,
    details: Annotated[Path, typer.Option(help="Its further figures.")] = DETAILS,
) -> None:
    """Say what the last run has found, and which page shows it."""
    tell(outcome({**_read(details), **_read(figures)}))


def outcome(figures: Mapping[str, Any]) -> str:
    """Say in one line what the ``figures`` of an evaluation mean, and where to look."""
    clusters, images = counted(figures["clusters"], "cluster"), counted(figures["images_evaluated"], "image")
    found = f"{images} in {clusters}"
    if figures.get("clusters_mean_nothing"):
        found = f"{found} that mean nothing: the SCAN step has not learned"
    elif "acc" in figures:
        beside = f", that of k-means {figures['kmeans_acc']:.3f}" if "kmeans_acc" in figures else ""
        found = f"{found}, with an accuracy of {_accuracy(figures)}{beside}"
    else:
        unknown = "without labels, nothing tells whether they are right"
        found = f"{found}, with a mean confidence of {figures['confidence']:.2f} ({unknown})"
    return f"{found}; open {PAGE}"


def _accuracy(figures: Mapping[str, Any]) -> str:
    """Return the accuracy in words; where there are more clusters than classes, both that people mean."""
    acc, clusters, classes = f"{figures['acc']:.3f}", figures["clusters"], figures.get("classes")
    if classes is None or clusters <= classes or "acc_many_to_one" not in figures:
        return acc
    extra = counted(clusters - classes, "cluster")
    return (
        f"{acc} one-to-one, where {extra} without a class count as wrong, {figures['acc_many_to_one']:.3f} many-to-one"
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtifactError(f"{path}: missing; dvc repro writes it") from None
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise ArtifactError(f"{path}: no JSON object; run dvc repro --force --single-item evaluate")
    return values


if __name__ == "__main__":
    run(main)
