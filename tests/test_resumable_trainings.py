"""Each training, stopped after any epoch and put together anew from its state, ends with the same bits."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from scan_core.artifacts.standardization import Standardization
from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.cached_features import CachedFeatures
from scan_core.clustering.frozen_encoder import FrozenEncoder
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.objective import scan_objective
from scan_core.clustering.scan import ScanTraining
from scan_core.clustering.self_label import SelfLabelTraining
from scan_core.clustering.whole_network import WholeNetwork
from scan_core.encoders.resnet import ResNet
from scan_core.images.images import ResidentImages
from scan_core.pretext.small_crops import SmallCrops
from scan_core.pretext.task import Task
from scan_core.pretext.training import PretextTraining
from scan_core.training.state import State
from tests.tasks import SMALL_TASKS

AUGMENTATION = {"random_horizontal_flip": {"p": 0.5}, "strong_operations": {"count": 2}}


def encoder() -> ResNet:
    return ResNet("resnet10", width=2, stem="3x3", channels=1)


def augmentation(**more: Any) -> Augmentation:
    return Augmentation({**AUGMENTATION, **more}, mean=[0.5], std=[0.25])


def common(*, learning_rate: float) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(1)
    return {"batch_size": 8, "learning_rate": learning_rate, "weight_decay": 1e-4, "generator": generator}


def pretext(make_task: Callable[..., Task], images: ResidentImages, **options: Any) -> PretextTraining:
    torch.manual_seed(0)
    return PretextTraining(
        make_task(encoder(), images=len(images), batch_size=8),
        images,
        torch.arange(len(images)),
        augmentation(),
        epochs=4,
        momentum=0.9,
        warmup_epochs=1.0,
        final_learning_rate=0.01,
        precision="float32",
        **options,
        **common(learning_rate=0.1),
    )


def simclr_of_small_crops(images: ResidentImages) -> PretextTraining:
    small = augmentation(random_resized_crop={"scale": (0.5, 1.0), "ratio": (1.0, 1.0), "size": 5})
    return pretext(SMALL_TASKS["simclr"], images, small_crops=SmallCrops(small, epochs=2, cost=0.4))


def whole(images: ResidentImages, *, heads: int) -> WholeNetwork:
    torch.manual_seed(0)
    model = ClusteringModel(encoder(), clusters=2, heads=heads)
    return WholeNetwork(model, images, torch.arange(len(images)), augmentation(), precision="float32")


def frozen(images: ResidentImages, *, heads: int, views: int = 2) -> FrozenEncoder:
    """On features of views; without any, on standardized ones of images as they are."""
    torch.manual_seed(0)
    standardization = None if views else Standardization(encoder().features)
    model = ClusteringModel(encoder(), clusters=2, heads=heads, standardization=standardization)
    values = np.random.default_rng(0).standard_normal((1 + views, len(images), model.encoder.features))
    cached = CachedFeatures(values.astype(np.float16 if views else np.float32), torch.device("cpu"))
    return FrozenEncoder(model, cached, precision="float32")


NEIGHBORS = (torch.arange(24)[:, None] + torch.tensor([2, 4])) % 24
SCAN: dict[str, Any] = {"objective": scan_objective(entropy_weight=2.0)}


def scan(images: ResidentImages) -> ScanTraining:
    return ScanTraining(whole(images, heads=3), NEIGHBORS, **SCAN, **common(learning_rate=0.01))


def scan_by_sgd(images: ResidentImages) -> ScanTraining:
    nobody = torch.empty(24, 0, dtype=torch.int64)
    by_sgd = {"optimizer": "sgd", "momentum": 0.9}
    return ScanTraining(whole(images, heads=3), nobody, **by_sgd, **SCAN, **common(learning_rate=0.01))


def frozen_scan(images: ResidentImages) -> ScanTraining:
    return ScanTraining(frozen(images, heads=3), NEIGHBORS, **SCAN, **common(learning_rate=0.1))


def self_label(images: ResidentImages) -> SelfLabelTraining:
    learner = whole(images, heads=1)
    return SelfLabelTraining(learner, NEIGHBORS, threshold=0.51, class_balance=True, **common(learning_rate=0.01))


def averaged_self_label(images: ResidentImages) -> SelfLabelTraining:
    settings = {"threshold": 0.51, "class_balance": False, "ema_decay": 0.9}
    return SelfLabelTraining(whole(images, heads=1), NEIGHBORS, **settings, **common(learning_rate=0.01))


def frozen_self_label(images: ResidentImages) -> SelfLabelTraining:
    settings = {"threshold": 0.51, "class_balance": True, "ema_decay": 0.9}
    return SelfLabelTraining(frozen(images, heads=1), NEIGHBORS, **settings, **common(learning_rate=0.1))


def merged_scan(images: ResidentImages) -> ScanTraining:
    return ScanTraining(frozen(images, heads=4, views=0), NEIGHBORS, merges=True, **SCAN, **common(learning_rate=0.1))


def stored_self_label(images: ResidentImages) -> SelfLabelTraining:
    settings = {"threshold": 0.51, "class_balance": True}
    return SelfLabelTraining(frozen(images, heads=1, views=0), NEIGHBORS, **settings, **common(learning_rate=0.1))


TRAININGS = [
    *(pytest.param(partial(pretext, make_task), id=task) for task, make_task in SMALL_TASKS.items()),
    simclr_of_small_crops,
    scan,
    scan_by_sgd,
    frozen_scan,
    self_label,
    averaged_self_label,
    frozen_self_label,
    merged_scan,
    stored_self_label,
]


@pytest.mark.parametrize("make", TRAININGS)
@pytest.mark.parametrize("stop_after", [1, 3])
def test_a_stopped_training_ends_with_the_same_bits(make: Callable[..., Any], stop_after: int, tiny_images):
    whole = make(tiny_images)
    history = [whole.run_epoch() for _ in range(4)]

    first = make(tiny_images)
    for _ in range(stop_after):
        first.run_epoch()
    saved: State = {name: value.contiguous() for name, value in first.state_dict().items()}  # as a file keeps them
    second = make(tiny_images)
    second.load_state_dict(saved)
    rest = [second.run_epoch() for _ in range(4 - stop_after)]

    assert rest == history[stop_after:]
    expected, found = whole.state_dict(), second.state_dict()
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


@pytest.mark.parametrize("make", TRAININGS)
def test_a_state_is_a_copy(make: Callable[..., Any], tiny_images):
    training = make(tiny_images)
    training.run_epoch()
    saved = training.state_dict()
    before = {name: value.clone() for name, value in saved.items()}
    training.run_epoch()
    assert all(torch.equal(saved[name], before[name]) for name in saved)
    other = make(tiny_images)
    other.load_state_dict(saved)
    other.run_epoch()
    assert all(torch.equal(saved[name], before[name]) for name in saved)
