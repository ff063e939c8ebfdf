"""What the plan measures: the present parameters' network and trainings, on synthetic images of the right shape."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.cached_features import CachedFeatures
from scan_core.clustering.frozen_encoder import FrozenEncoder
from scan_core.clustering.learner import Learner
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.scan import ScanTraining
from scan_core.clustering.self_label import SelfLabelTraining
from scan_core.clustering.whole_network import WholeNetwork
from scan_core.datasets.table import DATASETS
from scan_core.encoders.resnet import ResNet
from scan_core.images.images import Images
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
from stages.augmentation_params import AugmentationParams
from stages.params import Params, ScanParams, SelfLabelParams
from stages.scan_train import scan_training
from stages.self_label import self_label_training

BUDGET = 8.0
"""Seconds for each training; a network that is slow for the machine takes some more."""
SHARE_OF_MEMORY = 0.5
"""Of what is free, what a measured step may take."""
INFERRED_BYTES = 2**26
"""Of images, for the measurement of inference."""
SEVERAL_EPOCHS = 1000
LEARNING_RATE = 1e-6
"""So low that noise teaches nothing, whatever params.yaml says: it has no effect on the time."""


Training = SimclrTraining | ScanTraining | SelfLabelTraining


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
    native = DATASETS[config.data.name].image_size
    stored = photograph() if native is None else np.zeros((channels, native, native), np.uint8)
    return Measured(
        pretext=cost(pretext_training, config.pretext.batch_size),
        scan=cost(plan_scan, scan.batch_size, frozen=not scan.train_encoder),
        self_label=cost(plan_self_label, self_label.batch_size, frozen=not self_label.train_encoder),
        scan_augment=augment(scan.augmentation, frozen=not scan.train_encoder),
        self_label_augment=augment(self_label.augmentation, frozen=not self_label.train_encoder),
        infer=measure_inference(network, images, precision=config.pretext.precision, budget=BUDGET / 2),
        prepare=measure_preparation(stored, size=size, encode=encoded, budget=1.0),
        decode=measure_preparation(photograph(), size=size, encode=False, budget=1.0) if encoded else 0.0,
        pair=measure_mining(sizes.train, dimensions=dimensions[config.embed.layer], k=config.neighbors.k, gpus=gpus),
        kmeans=measure_kmeans(
            sizes.train,
            dimensions=dimensions[config.embed.layer],
            clusters=config.scan.clusters,
            workers=config.runtime.threads,
        ),
        weights=sum(weight.nbytes for weight in model.parameters()),
        largest_output=largest_output(network, images),
        feature_width=model.encoder.features,
        embedding_dim=dimensions[config.embed.layer],
    )


def pretext_model(config: Params, channels: int) -> PretextModel:
    """The model of pretext-train, untrained."""
    architecture, head = config.encoder, config.pretext.simclr
    encoder = ResNet(architecture.name, width=architecture.width, stem=architecture.stem, channels=channels)
    return PretextModel(encoder, **head.model_dump(include={"hidden_dim", "projection_dim", "batch_norm"}))


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


def plan_scan(config: Params, images: Images, batch_size: int) -> ScanTraining:
    """The training of scan-train, with neighbors drawn at random."""
    scan = config.scan.model_copy(update={"batch_size": batch_size, "learning_rate": LEARNING_RATE})
    generator = torch.Generator().manual_seed(0)
    neighbors = torch.randint(len(images), (len(images), config.neighbors.k), generator=generator)
    return scan_training(scan, _learner(scan, config, images, heads=scan.heads), neighbors, generator)


def plan_self_label(config: Params, images: Images, batch_size: int) -> SelfLabelTraining:
    """The training of self-label; every image counts as confident."""
    changed = {"batch_size": batch_size, "learning_rate": LEARNING_RATE, "threshold": 1 / (2 * config.scan.clusters)}
    step = config.self_label.model_copy(update=changed)
    neighbors = torch.empty(len(images), 0, dtype=torch.int64)
    return self_label_training(
        step, _learner(step, config, images, heads=1), neighbors, torch.Generator().manual_seed(0)
    )


def _learner(section: ScanParams | SelfLabelParams, config: Params, images: Images, *, heads: int) -> Learner:
    """An untrained one; where the encoder is frozen, on noise in place of features."""
    encoder = pretext_model(config, images.channels).encoder
    model = ClusteringModel(encoder, clusters=config.scan.clusters, heads=heads).to(images.device)
    if not section.train_encoder:
        return FrozenEncoder(model, _features(images, encoder.features), precision=section.precision)
    augmentation = _augmentation(section.augmentation, images.channels)
    return WholeNetwork(model, images, torch.arange(len(images)), augmentation, precision=section.precision)


def _features(images: Images, width: int) -> CachedFeatures:
    """Noise, of two views."""
    values = np.random.Generator(np.random.PCG64(0)).random((3, len(images), width), np.float32)
    return CachedFeatures(values.astype(np.float16), images.device)


def _augmentation(params: AugmentationParams, channels: int) -> Augmentation:
    return Augmentation(params.operations(), mean=[0.5] * channels, std=[0.25] * channels)
