"""Digits of unequal frequency: their true shares as prior give better clusters than equal ones."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from scan_core.artifacts.standardization import Standardization
from scan_core.clustering.cached_features import CachedFeatures
from scan_core.clustering.entropy_objective import entropy_objective
from scan_core.clustering.frozen_encoder import FrozenEncoder
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.objective import Objective, scan_objective
from scan_core.clustering.prior import shares
from scan_core.clustering.scan import ScanTraining
from scan_core.encoders.resnet import ResNet
from scan_core.encoders.unit_vectors import normalize_features
from scan_core.evaluation.matching import contingency, one_to_one
from scan_core.neighbors.mine import mine_neighbors

CLASSES, K, EPOCHS = 10, 10, 30
DIGITS = load_digits()


def unequal(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and labels of digits whose frequencies fall from 174 to a tenth of it, in a random order of classes."""
    random = np.random.default_rng(seed)
    rows = [
        random.permutation(np.flatnonzero(DIGITS.target == label))[: round(174 * 10 ** (-place / 9))]
        for place, label in enumerate(random.permutation(CLASSES))
    ]
    chosen = np.sort(np.concatenate(rows))
    return (DIGITS.data[chosen] / 16).astype(np.float32), DIGITS.target[chosen]


def accuracy(pixels: np.ndarray, labels: np.ndarray, objective: Objective, *, seed: int) -> float:
    """Of linear heads on the pixels, by the labels."""
    unit = normalize_features(torch.from_numpy(pixels), center_of=np.arange(len(pixels))).unit
    neighbors = mine_neighbors(unit, np.arange(len(pixels)), k=K, gpus=()).neighbors.neighbor_id
    features = (pixels - pixels.mean(0)) / (pixels.std(0) + 1e-6)
    torch.manual_seed(seed)
    encoder = ResNet("resnet10", width=8, stem="3x3", channels=1)  # not called: it has as many features as pixels
    model = ClusteringModel(encoder, clusters=CLASSES, heads=5, standardization=Standardization(encoder.features))
    learner = FrozenEncoder(model, CachedFeatures(features[None], torch.device("cpu")), precision="float32")
    training = ScanTraining(
        learner,
        torch.from_numpy(np.asarray(neighbors)).long(),
        objective=objective,
        batch_size=128,
        learning_rate=1e-2,
        weight_decay=1e-4,
        generator=torch.Generator().manual_seed(seed),
    )
    for _ in range(EPOCHS):
        metrics = training.run_epoch()
    logits = list(learner.of_images())[int(metrics["head"])]
    clusters = logits.argmax(1).numpy()
    table = contingency(clusters, labels, cluster_count=CLASSES, class_count=CLASSES)
    return float((one_to_one(table)[clusters] == labels).mean())


@pytest.mark.parametrize("objective", [scan_objective, pytest.param(entropy_objective, marks=pytest.mark.slow)])
def test_the_true_shares_give_better_clusters_than_equal_ones(objective: Callable[..., Objective]):
    gains = []
    for seed in range(5):
        pixels, labels = unequal(seed)
        true = np.bincount(labels, minlength=CLASSES).astype(float).tolist()
        with_prior, without = (
            accuracy(pixels, labels, objective(entropy_weight=5.0, prior=prior), seed=seed) for prior in (true, None)
        )
        gains.append(with_prior - without)
    assert np.mean(gains) > 0.03


def test_shares_have_a_sum_of_1():
    assert shares(None, None) is None
    assert shares([6.0, 3.0, 1.0], None).tolist() == pytest.approx([0.6, 0.3, 0.1])


@pytest.mark.parametrize("make", [scan_objective, entropy_objective])
def test_selection_knows_the_prior(make):
    logits = torch.tensor([[math.log(3), 0.0]]).expand(4, 2)  # the mean prediction is the prior
    found = make(entropy_weight=2.0, prior=[3.0, 1.0]).selection(logits, torch.empty(4, 0, dtype=torch.int64))
    assert found.total.item() == pytest.approx(found.consistency.item())
