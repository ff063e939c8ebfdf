"""What the plan measures: the present parameters' network and trainings, on synthetic images of the right shape."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.cached_features import CachedFeatures
from scan_core.clustering.frozen_scan import FrozenScanTraining
from scan_core.clustering.frozen_self_label import FrozenSelfLabelTraining
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.scan import ScanTraining
from scan_core.clustering.self_label import SelfLabelTraining
from scan_core.data.images import Images
from scan_core.encoders.resnet import ResNet
from scan_core.neighbors.search import present_gpus
from scan_core.planning.measure import (
    StepCost,
    largest_output,
    measure_augmentation,
    measure_inference,
    measure_preparation,
    measure_training,
    photograph,
    synthetic_images,
)
from scan_core.planning.measure_search import measure_kmeans, measure_mining
from scan_core.planning.sizes import Sizes
from scan_core.pretext.encoder import PretextModel
from scan_core.pretext.simclr import SimclrTraining
from stages.params import AugmentationParams, Params

BUDGET = 8.0
"""Seconds for each training; a network that is slow for the machine takes some more."""
SHARE_OF_MEMORY = 0.5
"""Of what is free, what a measured step may take."""
INFERRED_BYTES = 2**26
"""Of images, for the measurement of inference."""
SEVERAL_EPOCHS = 1000
LEARNING_RATE = 1e-6
"""So low that noise teaches nothing, whatever params.yaml says: it has no effect on the time."""
NATIVE_SIZE = {"digits": 8, "cifar10": 32, "cifar100": 32, "cifar20": 32, "stl10": 96}
"""Pixels per side of datasets that store pixels; images of the others are taken for photographs."""


Training = SimclrTraining | ScanTraining | FrozenScanTraining | SelfLabelTraining | FrozenSelfLabelTraining


class Measured(NamedTuple):
    """Nothing in it is scaled to the whole dataset yet."""

    pretext: StepCost
    scan: StepCost
    self_label: StepCost
    scan_augment: float
    """Seconds to augment an image once for a frozen encoder; 0 where it learns."""
    self_label_augment: float
    infer: float
    """Seconds for an image through the encoder."""
    prepare: float
    """For fetch to make an image ready, on one thread; so on for the next."""
    decode: float
    """To decode a stored photograph."""
    pair: float
    """As in :class:`scan_core.planning.times.Rates`, and so is ``kmeans``."""
    kmeans: float
    weights: int
    """Bytes of the pretext model."""
    largest_output: int
    feature_width: int
    embedding_dim: int


def measure_all(
    config: Params, sizes: Sizes, *, devices: int, channels: int, encoded: bool, device: torch.device, memory: int
) -> Measured:
    """Measure for about a minute.

    Args:
        sizes: of the dataset: mining and k-means are measured with no more images than these.
        devices: which share the batches of what trains an encoder.
        memory: bytes that are free on ``device``.
    """
    size, gpus = config.data.image_size, present_gpus() if device.type == "cuda" else ()
    scan, self_label = config.scan, config.self_label

    def cost(make: Callable[[Params, Images, int], Training], batch_size: int, *, frozen: bool = False) -> StepCost:
        return measure_training(
            lambda images, batch: make(config, images, batch).run_epoch,
            batch_size=batch_size if frozen else batch_size // devices,
            budget=BUDGET,
            memory=int(SHARE_OF_MEMORY * memory),
            channels=channels,
            size=1 if frozen else size,  # of images that nobody looks at
            device=device,
        )

    def augment(params: AugmentationParams, *, frozen: bool) -> float:
        return measure_augmentation(_augmentation(params, channels), images, budget=1.0) if frozen else 0.0

    model = pretext_model(config, channels).to(device)
    network = {"projection": model, "backbone": model.encoder}[config.embed.layer]
    dimensions = {"projection": config.pretext.simclr.projection_dim, "backbone": model.encoder.features}
    inferred = min(sizes.images, max(1, INFERRED_BYTES // (channels * size**2)))
    images = synthetic_images(inferred, channels=channels, size=size, device=device)
    native = NATIVE_SIZE.get(config.data.name)
    stored = photograph() if native is None else np.zeros((channels, native, native), np.uint8)
    return Measured(
        pretext=cost(pretext_training, config.pretext.batch_size),
        scan=cost(scan_training, scan.batch_size, frozen=not scan.train_encoder),
        self_label=cost(self_label_training, self_label.batch_size, frozen=not self_label.train_encoder),
        scan_augment=augment(scan.augmentation, frozen=not scan.train_encoder),
        self_label_augment=augment(self_label.augmentation, frozen=not self_label.train_encoder),
        infer=measure_inference(network, images, precision=config.pretext.precision, budget=BUDGET / 2),
        prepare=measure_preparation(stored, size=size, encode=encoded, budget=1.0),
        decode=measure_preparation(photograph(), size=size, encode=False, budget=1.0) if encoded else 0.0,
        pair=measure_mining(sizes.train, dimensions=dimensions[config.embed.layer], k=config.neighbors.k, gpus=gpus),
        kmeans=measure_kmeans(sizes.train, dimensions=dimensions[config.embed.layer], clusters=config.scan.clusters),
        weights=sum(weight.nbytes for weight in model.parameters()),
        largest_output=largest_output(network, images),
        feature_width=model.encoder.features,
        embedding_dim=dimensions[config.embed.layer],
    )


def pretext_model(config: Params, channels: int) -> PretextModel:
    """The model of pretext-train, untrained."""
    architecture, head = config.encoder, config.pretext.simclr
    encoder = ResNet(architecture.name, width=architecture.width, stem=architecture.stem, channels=channels)
    return PretextModel(encoder, hidden_dim=head.hidden_dim, projection_dim=head.projection_dim)


def pretext_training(config: Params, images: Images, batch_size: int) -> SimclrTraining:
    """The training of pretext-train."""
    pretext = config.pretext
    return SimclrTraining(
        pretext_model(config, images.channels).to(images.device),
        images,
        torch.arange(len(images)),
        _augmentation(pretext.augmentation, images.channels),
        temperature=pretext.simclr.temperature,
        epochs=SEVERAL_EPOCHS,
        batch_size=batch_size,
        learning_rate=LEARNING_RATE,
        momentum=pretext.momentum,
        weight_decay=pretext.weight_decay,
        warmup_epochs=0.0,
        final_learning_rate=1.0,
        precision=pretext.precision,
        generator=torch.Generator().manual_seed(0),
    )


def scan_training(config: Params, images: Images, batch_size: int) -> ScanTraining | FrozenScanTraining:
    """The training of scan-train, with neighbors drawn at random, and random features where the encoder is frozen."""
    scan, count = config.scan, len(images)
    generator = torch.Generator().manual_seed(0)
    encoder = pretext_model(config, images.channels).encoder
    model = ClusteringModel(encoder, clusters=scan.clusters, heads=scan.heads).to(images.device)
    neighbors = torch.randint(count, (count, config.neighbors.k), generator=generator)
    settings: dict[str, Any] = {
        "entropy_weight": scan.entropy_weight,
        "prior": scan.prior,
        "batch_size": batch_size,
        "optimizer": scan.optimizer,
        "learning_rate": LEARNING_RATE,
        "momentum": scan.momentum,
        "weight_decay": scan.weight_decay,
        "precision": scan.precision,
        "generator": generator,
    }
    if not scan.train_encoder:
        return FrozenScanTraining(model, _features(images, encoder.features), neighbors, **settings)
    augmentation = _augmentation(scan.augmentation, images.channels)
    return ScanTraining(model, images, torch.arange(count), neighbors, augmentation, **settings)


def self_label_training(config: Params, images: Images, batch_size: int) -> SelfLabelTraining | FrozenSelfLabelTraining:
    """The training of self-label; every image counts as confident."""
    step = config.self_label
    encoder = pretext_model(config, images.channels).encoder
    model = ClusteringModel(encoder, clusters=config.scan.clusters, heads=1).to(images.device)
    settings: dict[str, Any] = {
        "threshold": 1 / (2 * config.scan.clusters),
        "class_balance": step.class_balance,
        "batch_size": batch_size,
        "optimizer": step.optimizer,
        "learning_rate": LEARNING_RATE,
        "momentum": step.momentum,
        "weight_decay": step.weight_decay,
        "ema_decay": step.ema_decay,
        "precision": step.precision,
        "generator": torch.Generator().manual_seed(0),
    }
    if not step.train_encoder:
        return FrozenSelfLabelTraining(model, _features(images, encoder.features), **settings)
    augmentation = _augmentation(step.augmentation, images.channels)
    return SelfLabelTraining(model, images, torch.arange(len(images)), augmentation, **settings)


def _features(images: Images, width: int) -> CachedFeatures:
    """Noise, of two views."""
    values = np.random.Generator(np.random.PCG64(0)).random((3, len(images), width), np.float32)
    return CachedFeatures(values.astype(np.float16), images.device)


def _augmentation(params: AugmentationParams, channels: int) -> Augmentation:
    return Augmentation(params.operations(), mean=[0.5] * channels, std=[0.25] * channels)
