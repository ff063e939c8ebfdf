"""Evaluation at 1,000 clusters: right, and no larger than what is shown."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.image import imread

from scan_core.evaluation.galleries import ROWS
from scan_core.evaluation.metrics import top_k_accuracy
from scan_core.evaluation.report import UNCERTAIN, write_charts, write_galleries, write_tables
from scan_core.evaluation.results import Results, step_result
from scan_core.evaluation.truth import Truth
from scan_core.images.images import ResidentImages

CLASSES, IMAGES = 1000, 10_000


@pytest.fixture(scope="module")
def results() -> Results:
    """Ten images of each class; each class has a cluster, in another order, which holds nine of them."""
    labels = np.arange(IMAGES) % CLASSES
    order = np.random.default_rng(0).permutation(CLASSES)
    clusters = order[np.where(np.arange(IMAGES) < CLASSES, (labels + 1) % CLASSES, labels)]
    probabilities = np.full((IMAGES, CLASSES), 0.1 / (CLASSES - 1), dtype=np.float32)
    probabilities[np.arange(IMAGES), clusters] = 0.9
    truth = Truth(labels, tuple(f"class {label}" for label in range(CLASSES)))
    step = step_result(probabilities, truth, selection_loss=None)
    return Results(truth, step, step, {}, np.array([1.0]))


class Counting(ResidentImages):
    """Images that remember how many were asked for."""

    asked = 0

    def gather(self, image_ids):
        self.asked += len(image_ids)
        return super().gather(image_ids)


def test_report_shows_what_fits_on_a_page_and_reads_no_more(results: Results, tmp_path: Path):
    images = Counting(np.zeros((IMAGES, 3, 8, 8), np.uint8), torch.device("cpu"))
    embeddings = np.eye(16, dtype=np.float32)[np.arange(IMAGES) % 16]
    write_tables(tmp_path, results, [f"{row}.png" for row in range(IMAGES)])
    write_charts(tmp_path, results, results.truth.names)
    write_galleries(tmp_path, results, np.arange(IMAGES), images, embeddings, results.truth.names, prototype_count=10)
    assert images.asked <= ROWS * 10 + UNCERTAIN
    assert len(pd.read_csv(tmp_path / "cluster_sizes.csv")) == CLASSES
    assert len(pd.read_csv(tmp_path / "confusion.csv")) == IMAGES
    for path in tmp_path.glob("*.png"):
        assert max(imread(path).shape) < 4000, path.name


def test_top_5_does_not_sort_everything():
    probabilities = np.random.default_rng(0).random((5000, CLASSES), dtype=np.float32)
    labels = np.random.default_rng(1).integers(0, CLASSES, 5000)
    mapping = np.random.default_rng(2).permutation(CLASSES)
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :5]
    expected = (mapping[best] == labels[:, None]).any(axis=1).mean()
    assert top_k_accuracy(probabilities, labels, mapping, k=5) == pytest.approx(expected)
