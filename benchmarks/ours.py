"""The three trainings with the settings of the preset cifar10, on random images in memory."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.objective import scan_objective
from scan_core.clustering.scan import ScanTraining
from scan_core.clustering.self_label import SelfLabelTraining
from scan_core.clustering.whole_network import WholeNetwork
from scan_core.encoders.resnet import ResNet
from scan_core.images.images import ResidentImages
from scan_core.pretext.small_crops import SmallCrops
from scan_core.pretext.tasks import TASKS
from scan_core.pretext.training import PretextTraining

SIMCLR: Mapping[str, Mapping[str, object]] = {
    "random_resized_crop": {"scale": (0.2, 1.0), "ratio": (0.75, 1.3333)},
    "random_horizontal_flip": {"p": 0.5},
    "color_jitter": {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1, "p": 0.8},
    "random_grayscale": {"p": 0.2},
}
STRONG: Mapping[str, Mapping[str, object]] = {
    "random_horizontal_flip": {"p": 0.5},
    "random_crop": {"padding": 4},
    "strong_operations": {"count": 4},
    "cutout": {"max_half_length": 8},
}
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
HEAD = {"hidden_dim": 512, "projection_dim": 128, "batch_norm": False}
PRETEXT: Mapping[str, Mapping[str, Any]] = {
    "simclr": {"temperature": 0.1, **HEAD},
    "nce": {
        "temperature": 0.07,
        "projection_dim": 128,
        "batch_norm": False,
        "negatives": 4096,
        "bank_momentum": 0.5,
        "proximal_weight": 0.0,
    },
    "moco": {"temperature": 0.2, "queue": 4096, "momentum": 0.999, "norm_group": 16, **HEAD},
}
CLUSTERS = 10
LOW_THRESHOLD = 0.05
"""Threshold of self-labeling below 1 / CLUSTERS, so that every image is confident and no work is skipped."""


def random_pixels(count: int, size: int = 32) -> np.ndarray:
    """Return smooth random images, uint8 [count, 3, size, size]."""
    coarse = np.random.default_rng(0).integers(0, 256, (count, 3, size // 4, size // 4), dtype=np.uint8)
    return np.ascontiguousarray(coarse.repeat(4, axis=2).repeat(4, axis=3))


def augmentation(operations: Mapping[str, Mapping[str, object]]) -> Augmentation:
    """Return the augmentation with the benchmarks' normalization."""
    return Augmentation(operations, mean=MEAN, std=STD)


def encoder(width: int = 64) -> ResNet:
    """Return ResNet-18 with the 3x3 stem."""
    return ResNet("resnet18", width=width, stem="3x3", channels=3)


def pretext(
    task: str,
    images: ResidentImages,
    *,
    batch_size: int,
    epochs: int,
    precision: str = "bfloat16",
    network: ResNet | None = None,
    small_crops: SmallCrops | None = None,
    compile: bool = False,
) -> PretextTraining:
    """Return the pretext ``task`` on all ``images``; ``epochs`` is the length of its schedule."""
    settings = PRETEXT[task]
    return PretextTraining(
        TASKS[task](network or encoder(), images=len(images), batch_size=batch_size, **settings),
        images,
        torch.arange(len(images)),
        augmentation(SIMCLR),
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=0.4 if task == "simclr" else 0.03,
        momentum=0.9,
        weight_decay=1e-4,
        warmup_epochs=0.0,
        final_learning_rate=1e-3,
        precision=precision,
        generator=torch.Generator().manual_seed(0),
        small_crops=small_crops,
        compile=compile,
    )


simclr = partial(pretext, "simclr")


def scan(
    images: ResidentImages,
    neighbor_rows: Tensor,
    *,
    batch_size: int,
    precision: str = "bfloat16",
    network: ResNet | None = None,
    compile: bool = False,
) -> ScanTraining:
    """Return the clustering step on all ``images``, with their neighbors as rows."""
    return ScanTraining(
        _learner(images, precision, network, compile),
        neighbor_rows,
        objective=scan_objective(entropy_weight=2.0),
        batch_size=batch_size,
        learning_rate=1e-4,
        weight_decay=1e-4,
        generator=torch.Generator().manual_seed(0),
    )


def self_label(
    images: ResidentImages,
    *,
    batch_size: int,
    precision: str = "bfloat16",
    network: ResNet | None = None,
    compile: bool = False,
) -> SelfLabelTraining:
    """Return self-labeling on all ``images``, all of them confident."""
    return SelfLabelTraining(
        _learner(images, precision, network, compile),
        torch.empty(len(images), 0, dtype=torch.int64),
        threshold=LOW_THRESHOLD,
        class_balance=True,
        batch_size=batch_size,
        learning_rate=1e-4,
        weight_decay=1e-4,
        generator=torch.Generator().manual_seed(0),
    )


def _learner(images: ResidentImages, precision: str, network: ResNet | None, compile: bool) -> WholeNetwork:
    model = ClusteringModel(network or encoder(), clusters=CLUSTERS, heads=1).to(images.device)
    rows = torch.arange(len(images))
    return WholeNetwork(model, images, rows, augmentation(STRONG), precision=precision, compile=compile)
