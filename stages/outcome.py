"""Say in one line what the last run has found, and which page to open: ``python -m stages.outcome``."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from scan_core.console.progress import tell, warn
from scan_core.console.words import counted
from scan_core.errors import ArtifactError
from scan_core.evaluation.best_kmeans import CLUSTERED, best_kmeans
from stages.cli import run
from stages.paths import DETAILS, METRICS, PAGE, PARAMS
from stages.source_changes import changed_since_fetch


def main(
    figures: Annotated[Path, typer.Option(help="The figures of the run.")] = METRICS,
    details: Annotated[Path, typer.Option(help="Its further figures.")] = DETAILS,
    params: Annotated[Path, typer.Option(help="The parameter file, which names the folder of pictures.")] = PARAMS,
) -> None:
    """Say what the last run has found, which page shows it, and whether the folder of pictures has changed since."""
    tell(outcome({**_read(details), **_read(figures)}))
    if message := changed_since_fetch(params):
        warn(message)


def outcome(figures: Mapping[str, Any]) -> str:
    """Say in one line what the ``figures`` of an evaluation mean, and where to look."""
    clusters, images = counted(figures["clusters"], "cluster"), counted(figures["images_evaluated"], "image")
    empty = figures["clusters"] - figures["clusters_used"]
    found = f"{images} in {clusters}{f', {empty} of them empty' if empty else ''}"
    if figures.get("clusters_mean_nothing"):
        found = f"{found} that mean nothing: the SCAN step has not learned"
    elif "acc" in figures:
        found = f"{found}, with an accuracy of {_accuracy(figures)}{_beside(figures)}"
    else:
        unknown = "without labels, nothing tells whether they are right"
        found = f"{found}, with a mean confidence of {figures['confidence']:.2f} ({unknown})"
    return f"{found}; open {PAGE}"


def _accuracy(figures: Mapping[str, Any]) -> str:
    """Return the accuracy in words; where there are more clusters than classes, both that people mean."""
    acc = f"{figures['acc']:.3f}"
    if not _has_extra_clusters(figures):
        return acc
    extra = counted(figures["clusters_used"] - figures["classes"], "cluster")
    return (
        f"{acc} one-to-one, where {extra} without a class count as wrong, {figures['acc_many_to_one']:.3f} many-to-one"
    )


def _has_extra_clusters(figures: Mapping[str, Any]) -> bool:
    return "acc_many_to_one" in figures and figures["clusters_used"] > figures.get("classes", figures["clusters_used"])


def _beside(figures: Mapping[str, Any]) -> str:
    key, mapping = ("acc_many_to_one", " many-to-one") if _has_extra_clusters(figures) else ("acc", "")
    best = best_kmeans({name: figures[f"{name}_{key}"] for name in CLUSTERED if f"{name}_{key}" in figures})
    return f", that of {best} {best.accuracy:.3f}{mapping}" if best else ""


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
