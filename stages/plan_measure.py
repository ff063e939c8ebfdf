"""What the plan measures: the present parameters' network and trainings, on synthetic images of the right shape."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.scan import ScanTraining
from scan_core.clustering.self_label import SelfLabelTraining
from scan_core.data.images import Images
from scan_core.encoders.resnet import ResNet
from scan_core.neighbors.search import present_gpus
from scan_core.planning.measure import (
    StepCost,
    largest_output,
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


Training = SimclrTraining | ScanTraining | SelfLabelTraining


class Measured(NamedTuple):
    """Nothing in it is scaled to the whole dataset yet."""

    pretext: StepCost
    scan: StepCost
    self_label: StepCost
    infer: float
    """Seconds for an image through the encoder; so on for the next two, on one thread."""
    prepare: float
    """For fetch to make an image ready."""
    decode: float
    """To decode a stored photograph."""
    pair: float
    """As in :class:`scan_core.planning.times.Rates`, and so is ``kmeans``."""
    kmeans: float
    weights: int
    """Bytes of the pretext model."""
    largest_output: int
    embedding_dim: int


def measure_all(
    config: Params, sizes: Sizes, *, channels: int, encoded: bool, device: torch.device, memory: int
) -> Measured:
    """Measure for about a minute.

    Args:
        sizes: of the dataset: mining and k-means are measured with no more images than these.
        memory: bytes that are free on ``device``.
    """
    size, gpus = config.data.image_size, present_gpus() if device.type == "cuda" else ()

    def cost(make: Callable[[Params, Images, int], Training], batch_size: int) -> StepCost:
        return measure_training(
            lambda images, batch: make(config, images, batch).run_epoch,
            batch_size=batch_size,
            budget=BUDGET,
            memory=int(SHARE_OF_MEMORY * memory),
            channels=channels,
            size=size,
            device=device,
        )

    model = pretext_model(config, channels).to(device)
    network = {"projection": model, "backbone": model.encoder}[config.embed.layer]
    dimensions = {"projection": config.pretext.simclr.projection_dim, "backbone": model.encoder.features}
    inferred = min(sizes.images, max(1, INFERRED_BYTES // (channels * size**2)))
    images = synthetic_images(inferred, channels=channels, size=size, device=device)
    native = NATIVE_SIZE.get(config.data.name)
    stored = photograph() if native is None else np.zeros((channels, native, native), np.uint8)
    return Measured(
        pretext=cost(pretext_training, config.pretext.batch_size),
        scan=cost(scan_training, config.scan.batch_size),
        self_label=cost(self_label_training, config.self_label.batch_size),
        infer=measure_inference(network, images, precision=config.pretext.precision, budget=BUDGET / 2),
        prepare=measure_preparation(stored, size=size, encode=encoded, budget=1.0),
        decode=measure_preparation(photograph(), size=size, encode=False, budget=1.0) if encoded else 0.0,
        pair=measure_mining(sizes.train, dimensions=dimensions[config.embed.layer], k=config.neighbors.k, gpus=gpus),
        kmeans=measure_kmeans(sizes.train, dimensions=dimensions[config.embed.layer], clusters=config.scan.clusters),
        weights=sum(weight.nbytes for weight in model.parameters()),
        largest_output=largest_output(network, images),
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


def scan_training(config: Params, images: Images, batch_size: int) -> ScanTraining:
    """The training of scan-train, with neighbors drawn at random."""
    scan = config.scan
    encoder = pretext_model(config, images.channels).encoder
    generator = torch.Generator().manual_seed(0)
    return ScanTraining(
        ClusteringModel(encoder, clusters=scan.clusters, heads=scan.heads).to(images.device),
        images,
        torch.arange(len(images)),
        torch.randint(len(images), (len(images), config.neighbors.k), generator=generator),
        _augmentation(scan.augmentation, images.channels),
        entropy_weight=scan.entropy_weight,
        prior=scan.prior,
        batch_size=batch_size,
        learning_rate=LEARNING_RATE,
        weight_decay=scan.weight_decay,
        precision=scan.precision,
        generator=generator,
    )


def self_label_training(config: Params, images: Images, batch_size: int) -> SelfLabelTraining:
    """The training of self-label; every image counts as confident."""
    step = config.self_label
    encoder = pretext_model(config, images.channels).encoder
    return SelfLabelTraining(
        ClusteringModel(encoder, clusters=config.scan.clusters, heads=1).to(images.device),
        images,
        torch.arange(len(images)),
        _augmentation(step.augmentation, images.channels),
        threshold=1 / (2 * config.scan.clusters),
        class_balance=step.class_balance,
        batch_size=batch_size,
        learning_rate=LEARNING_RATE,
        weight_decay=step.weight_decay,
        precision=step.precision,
        generator=torch.Generator().manual_seed(0),
    )


def _augmentation(params: AugmentationParams, channels: int) -> Augmentation:
    return Augmentation(params.operations(), mean=[0.5] * channels, std=[0.25] * channels)
