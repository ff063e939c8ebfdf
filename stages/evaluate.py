"""Stage evaluate: score the clusters. No other stage reads labels."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import pandas as pd
import typer
from jaxtyping import Float, Float32

from scan_core.artifacts.atomic import write_text
from scan_core.artifacts.clusters import Predictions, read_baselines, write_predictions
from scan_core.artifacts.embeddings import read_embeddings
from scan_core.artifacts.index import Index, read_index
from scan_core.artifacts.labels import read_labels
from scan_core.artifacts.model import read_model
from scan_core.artifacts.neighbors import read_neighbors
from scan_core.clustering.predict import predict
from scan_core.console.progress import tell, warn
from scan_core.console.words import counted
from scan_core.errors import ArtifactError, DataError
from scan_core.evaluation.csv_tables import prediction_names
from scan_core.evaluation.fonts import drawable
from scan_core.evaluation.purity import neighbor_purity
from scan_core.evaluation.report import write_charts, write_galleries, write_tables
from scan_core.evaluation.results import Results, details, headline, score_baselines, step_result
from scan_core.evaluation.truth import Truth, truth_from
from scan_core.images.images import Images
from scan_core.images.open_images import open_images
from scan_core.report.map_points import write_sheets
from scan_core.report.map_table import read_map, write_map
from scan_core.report.page import Run, write_page
from scan_core.report.pictures import Pictures
from scan_core.report.plane import plane
from scan_core.training.chance import Usage
from stages.advice import prior_of, told
from stages.cli import run
from stages.devices import choose_device, prepare
from stages.evaluate_messages import suggested, summary, warnings
from stages.opening import Opening, in_pixels, on
from stages.outcome import outcome
from stages.params_file import load_params
from stages.paths import (
    BASELINES,
    DETAILS,
    EMBEDDINGS,
    ENCODER,
    FEATURES,
    IMAGES,
    INDEX,
    LABELS,
    MAP,
    METRICS,
    NEIGHBORS,
    PAGE,
    PARAMS,
    PREDICTIONS,
    REJECTED_MODEL,
    REPORTS,
    SCAN_MODEL,
    SELF_LABEL_MODEL,
    SHEETS,
)
from stages.report_run import counting_warning, read_run

REPORT = REPORTS / "evaluate"


def main(params: Annotated[Path, typer.Option(help="The parameter file.")] = PARAMS) -> None:
    """Score the clusters against the labels, and show them.

    Reads all artifacts, data/artifacts/labels.parquet among them, which no other stage reads. Images without a label
    are predicted and shown, not scored; without any label the label-free figures remain.

    Writes data/artifacts/predictions.parquet, reports/metrics/evaluate.json (the figures to compare experiments by) and
    reports/evaluate/ (details.json, tables and pictures), and reports/report.html, which shows all that, with further
    thumbnails of its map in reports/report/.
    """
    config = load_params(params)
    device = choose_device(config.runtime.device)
    prepare(device)
    images = open_images(IMAGES, device, workers=config.runtime.threads)
    index = read_index(INDEX, rows=len(images))
    ids = index.evaluate_ids
    if not len(ids):
        raise DataError(f"{INDEX}: no image to evaluate on; check data.evaluate_splits")
    opening = Opening("evaluate", f"{counted(len(ids), 'image')} of {in_pixels(images)}, {on(device)}")
    steps = [
        Predictions(step, ids, predict(path, images, ids, encoder=ENCODER, features=FEATURES))
        for step, path in models().items()
    ]
    found = evaluation(images, index, steps, projection=config.evaluate.map)
    results, pictures, embeddings, metadata = found

    write_predictions(PREDICTIONS, steps)
    write_tables(REPORT, results, pictures.paths)
    shown = drawable(results.truth.names)
    write_charts(REPORT, results, shown)
    write_galleries(REPORT, results, ids, images, embeddings, shown, prototype_count=config.evaluate.prototypes)
    described = describe(found)
    digests = {step: f"sha256:{digest}" for step, digest in described.digests.items()}
    model = {"trained_with": described.taught, "model": digests["self_label"], "scan_model": digests["scan"]}
    write_text(DETAILS, json.dumps({**details(results), **model}, indent=2) + "\n")
    write_text(METRICS, json.dumps(headline(results), indent=2) + "\n")
    names = cluster_names(results)
    clusters, confidence = results.self_label.clusters, results.self_label.confidence
    write_map(MAP, pictures.plane, clusters, confidence, names, pictures.paths)
    write_page(PAGE, results, pictures, described, names, sheets=write_sheets(SHEETS, pictures))

    if message := suggested(metadata["self_label"]):
        tell(message)
    messages = list(described.warnings)
    if results.meaningless:
        warn(messages.pop(0))  # before anybody reads the figures
    tell(f"the encoder was trained with: {described.taught}")
    tell(summary(results))
    for message in messages:
        warn(message)
    if pictures.plane.reason:
        warn(f"the map is drawn by PCA: {pictures.plane.reason}")
    opening.close(outcome({**details(results), **headline(results)}))


class Evaluation(NamedTuple):
    """The scores of predictions, and what the page shows."""

    results: Results
    pictures: Pictures
    embeddings: Float32[np.ndarray, "images dimensions"]
    """Embeddings of all images."""
    metadata: dict[str, dict[str, Any]]
    """Metadata of each step's model."""


def models() -> dict[str, Path]:
    """Return the model of each step; ``rejected`` is there where self-labeling's was not taken."""
    rejected = {"rejected": REJECTED_MODEL} if REJECTED_MODEL.exists() else {}
    return {"scan": SCAN_MODEL, "self_label": SELF_LABEL_MODEL, **rejected}


def evaluation(images: Images, index: Index, steps: list[Predictions], *, projection: str | None = None) -> Evaluation:
    """Score the predictions of each step's model.

    Args:
        projection: of the map; None takes the map that the last evaluation has written.
    """
    ids = index.evaluate_ids
    embeddings = read_embeddings(EMBEDDINGS, rows=len(images))
    labels = read_labels(LABELS, rows=len(images))
    metadata = {step: read_model(path)[1] for step, path in models().items()}
    results = _score(steps, models(), metadata, _truth(labels), index)
    kmeans = read_baselines(BASELINES, rows=len(images))["kmeans"][ids]
    shown = embeddings[ids]
    drawn = plane(shown, projection=projection) if projection else read_map(MAP, rows=len(ids))
    pictures = Pictures(images, ids, shown, drawn, kmeans, labels["path"][ids].tolist())
    return Evaluation(results, pictures, embeddings, metadata)


def describe(found: Evaluation) -> Run:
    """Collect what the page says beside the results."""
    final = found.metadata["self_label"]
    taught = final.get("trained_with", "not known: a model from before it was written down")
    guess = counting_warning() if final.get("suggested_from") else []
    messages = warnings(found.results, [*told(final), *guess], prior=prior_of(found.metadata["scan"]))
    return read_run(final, taught, messages, models())


def cluster_names(results: Results) -> list[str]:
    """Return the name of each cluster's class, or ``cluster 7``."""
    final = results.self_label
    return prediction_names(final.mapping, results.truth, cluster_count=len(final.sizes))


def _truth(labels: pd.DataFrame) -> Truth:
    names = [None if pd.isna(name) else str(name) for name in labels["label_name"]]
    return truth_from(labels["label"].fillna(-1).to_numpy(np.int64), names)


def _score(
    steps: list[Predictions], models: dict[str, Path], metadata: dict[str, dict[str, Any]], truth: Truth, index: Index
) -> Results:
    ids = index.evaluate_ids
    scored = {
        step.step: step_result(
            step.probabilities, truth.of(ids), selection_loss=_selection_loss(models[step.step], metadata[step.step])
        )
        for step in steps
    }
    clusters = read_baselines(BASELINES, rows=len(truth.labels))
    results = Results(
        truth.of(ids),
        scored["scan"],
        scored["self_label"],
        score_baselines({method: cluster[ids] for method, cluster in clusters.items()}, truth.of(ids)),
        purity=_purity(truth, index.train_ids),
        self_label_epochs=(metadata["self_label"].get("self_label") or {}).get("epochs", 0),
        rejected=scored.get("rejected"),
        in_training=in_training(metadata["scan"]),
    )
    return results._replace(kmeans=clusters["kmeans"][ids]) if results.meaningless else results


def in_training(scan: Mapping[str, Any]) -> Usage | None:
    """Return how the SCAN step's model used its clusters in training, from its metadata; None if they do not say."""
    found = scan.get("scan") or {}
    return Usage(**{name: found[name] for name in Usage._fields}) if Usage._fields[0] in found else None


def _purity(truth: Truth, train_ids: np.ndarray) -> Float[np.ndarray, " k"]:
    neighbors = read_neighbors(NEIGHBORS, train_ids=train_ids)
    return neighbor_purity(neighbors.image_id, neighbors.neighbor_id, truth.labels)


def _selection_loss(path: Path, metadata: dict[str, Any]) -> float | None:
    loss = metadata.get("selection_loss")
    if loss is not None and not isinstance(loss, int | float):
        raise ArtifactError(f"{path}: selection_loss {loss!r}, expected a number")
    return loss


if __name__ == "__main__":
    run(main)
