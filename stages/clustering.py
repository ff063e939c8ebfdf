"""What a clustering section of the parameters asks for, for the stages and the plan: who learns, and how."""

from pathlib import Path

import torch
from jaxtyping import Int64
from torch import Tensor

from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.cached_features import cache_features
from scan_core.clustering.frozen_encoder import FrozenEncoder
from scan_core.clustering.learner import Learner
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.scan import ScanTraining
from scan_core.clustering.self_label import SelfLabelTraining
from scan_core.clustering.whole_network import WholeNetwork
from scan_core.data.images import Images
from stages.params import ScanParams, SelfLabelParams


def make_learner(
    section: ScanParams | SelfLabelParams,
    model: ClusteringModel,
    images: Images,
    image_ids: Int64[Tensor, " images"],
    augmentation: Augmentation,
    *,
    generator: torch.Generator,
    features: Path,
) -> Learner:
    """All of ``model`` on ``images``, or its heads on what its encoder makes of them, which goes to ``features``.

    Raises:
        ArtifactError, TrainingError: the features cannot be written or are not finite.
    """
    if section.train_encoder:
        return WholeNetwork(model, images, image_ids, augmentation, precision=section.precision)
    cached = cache_features(
        features,
        model.encoder,
        images,
        image_ids,
        augmentation,
        views=section.views,
        precision=section.precision,
        generator=generator,
    )
    return FrozenEncoder(model, cached, precision=section.precision)


def scan_training(
    scan: ScanParams, learner: Learner, neighbor_rows: Int64[Tensor, "images neighbors"], generator: torch.Generator
) -> ScanTraining:
    """The training of scan-train."""
    return ScanTraining(
        learner,
        neighbor_rows,
        entropy_weight=scan.entropy_weight,
        prior=scan.prior,
        batch_size=scan.batch_size,
        optimizer=scan.optimizer,
        learning_rate=scan.learning_rate,
        momentum=scan.momentum,
        weight_decay=scan.weight_decay,
        generator=generator,
    )


def self_label_training(step: SelfLabelParams, learner: Learner, generator: torch.Generator) -> SelfLabelTraining:
    """The training of self-label."""
    return SelfLabelTraining(
        learner,
        threshold=step.threshold,
        class_balance=step.class_balance,
        batch_size=step.batch_size,
        optimizer=step.optimizer,
        learning_rate=step.learning_rate,
        momentum=step.momentum,
        ema_decay=step.ema_decay,
        weight_decay=step.weight_decay,
        generator=generator,
    )
