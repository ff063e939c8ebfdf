import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from scan_core.artifacts.clusters import write_baselines
from scan_core.artifacts.labels import write_labels
from scan_core.artifacts.model import write_model
from scan_core.artifacts.neighbors import Neighbors, write_neighbors
from scan_core.errors import ArtifactError, DataError
from stages import evaluate
from tests.embedded import write_directions, write_images_of
from tests.samples import write_pixels

ROWS, CLUSTERS = 24, 3
CLASSES = np.arange(ROWS) % CLUSTERS
CONFIG = SimpleNamespace(
    runtime=SimpleNamespace(device="cpu", threads=1), evaluate=SimpleNamespace(prototypes=4, map="pca")
)
HEADLINE, DETAILS = Path("reports/metrics/evaluate.json"), Path("reports/evaluate/details.json")


def _write_data(labels: np.ndarray) -> None:
    """24 images, the first 18 to learn from, the last 12 to evaluate; each neighbor is of the next image's class."""
    generator = np.random.default_rng(0)
    write_pixels(Path("data/artifacts/images"), generator.integers(0, 256, (ROWS, 1, 8, 8), dtype=np.uint8))
    write_images_of(np.arange(ROWS) < 18, np.arange(ROWS) >= 12)
    names = [f"class {label}" if label >= 0 else None for label in labels]
    write_labels(Path("data/artifacts/labels.parquet"), label=labels, label_name=names, origin=[""] * ROWS)
    write_directions(generator.normal(size=(ROWS, 4)))
    ids = np.arange(18)
    neighbors = (ids[:, None] + np.array([3, 1])) % 18
    similarity = np.ones((18, 2), dtype=np.float32)
    write_neighbors(Path("data/artifacts/neighbors.parquet"), Neighbors(ids, neighbors.astype(np.int32), similarity))
    write_baselines(
        Path("data/artifacts/baselines.parquet"),
        {"kmeans": np.arange(ROWS) // 2 % CLUSTERS, "kmeans_pixels": np.zeros(ROWS, int)},
    )


def _predict(path: Path, images: object, image_ids: np.ndarray, **_: Path) -> np.ndarray:
    """The self-labeled model is right under another numbering; SCAN's takes class 2 for class 0."""
    clusters = (CLASSES[image_ids] + 1) % CLUSTERS
    if "self_label" not in path.parts:
        clusters = np.where(clusters == 0, 1, clusters)
    probabilities = np.full((len(image_ids), CLUSTERS), 0.1, dtype=np.float32)
    probabilities[np.arange(len(image_ids)), clusters] = 0.8
    return probabilities


@pytest.fixture
def run_evaluate(empty, monkeypatch):
    monkeypatch.setattr(evaluate, "load_params", lambda _: CONFIG)
    monkeypatch.setattr(evaluate, "predict", _predict)
    for path, loss in ((evaluate.SCAN_MODEL, -2.5), (evaluate.SELF_LABEL_MODEL, 0.25)):
        write_model(path, {"weight": torch.zeros(1)}, {"selection_loss": loss})

    def run(labels: np.ndarray = CLASSES) -> tuple[dict[str, float], dict[str, float]]:
        _write_data(labels)
        evaluate.main()
        return json.loads(HEADLINE.read_text()), json.loads(DETAILS.read_text())

    return run


def test_figures_by_hand(run_evaluate, capsys):
    headline, details = run_evaluate()
    # Of the 12 evaluated images SCAN gets 8 right. Images 12, 13, 18, 19 share a k-means cluster, with two of class 0.
    assert headline["acc"] == headline["nmi"] == headline["ari"] == 1
    assert headline["scan_acc"] == 0.6667
    assert headline["kmeans_acc"] == 0.5
    # The first neighbor is of the image's class, the second is not.
    assert headline["purity"] == 0.5
    assert (len(headline), headline["clusters"], headline["self_label_epochs"]) == (8, 3, 0)
    assert (details["purity_at_1"], details["kmeans_pixels_acc"]) == (1, 0.3333)
    assert (details["scan_selection_loss"], details["self_label_selection_loss"]) == (-2.5, 0.25)
    assert (details["images_evaluated"], details["scan_clusters_used"]) == (12, 2)
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1].startswith("evaluate: 12 images in 3 clusters, with an accuracy of ")
    assert printed.err.count("raise scan.entropy_weight") == 1


def test_predictions_are_of_the_evaluated_images(run_evaluate):
    run_evaluate()
    table = pq.read_table("data/artifacts/predictions.parquet").to_pandas()
    assert table["step"].tolist() == ["scan"] * 12 + ["self_label"] * 12
    assert table["image_id"].tolist() == list(range(12, 24)) * 2


def test_without_labels(run_evaluate, capsys):
    headline, details = run_evaluate(np.full(ROWS, -1))
    assert headline == {"confidence": 0.8, "clusters_used": 3, "clusters": 3, "self_label_epochs": 0}
    assert details["images_labeled"] == 0
    assert "without labels, nothing tells whether they are right" in capsys.readouterr().out
    assert not Path("reports/evaluate/confusion.png").exists()


def test_labels_of_some_images(run_evaluate):
    # Unlabeled: all of class 1 and every evaluated image after the 18th.
    labels = np.where((CLASSES == 1) | (np.arange(ROWS) >= 18), -1, CLASSES)
    headline, details = run_evaluate(labels)
    assert headline["acc"] == 1
    assert details["images_labeled"] == 4


def test_labels_outside_the_evaluated_images_leave_only_purity(run_evaluate):
    headline, details = run_evaluate(np.where(np.arange(ROWS) < 12, CLASSES, -1))
    assert headline == {"confidence": 0.8, "clusters_used": 3, "clusters": 3, "self_label_epochs": 0}
    assert details["purity_at_1"] == 1


def test_no_image_to_evaluate(run_evaluate):
    _write_data(CLASSES)
    write_images_of(np.ones(ROWS, dtype=bool))
    with pytest.raises(DataError, match=r"no image to evaluate on; check data\.evaluate_splits"):
        evaluate.main()


def test_a_selection_loss_that_is_no_number(run_evaluate):
    write_model(evaluate.SCAN_MODEL, {"weight": torch.zeros(1)}, {"selection_loss": "low"})
    with pytest.raises(ArtifactError, match="selection_loss 'low', expected a number"):
        run_evaluate()
