"""Make what the two clustering steps train: the whole network, or its heads on cached or stored features."""

from pathlib import Path

import torch
from jaxtyping import Int64
from torch import Tensor

from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.cached_features import CachedFeatures, cache_features
from scan_core.clustering.frozen_encoder import FrozenEncoder
from scan_core.clustering.learner import Learner
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.stored_features import StoredFeatures
from scan_core.clustering.whole_network import WholeNetwork
from scan_core.images.images import Images


def make_learner(
    model: ClusteringModel,
    images: Images,
    image_ids: Int64[Tensor, " images"],
    augmentation: Augmentation,
    *,
    train_encoder: bool,
    views: int,
    precision: str,
    generator: torch.Generator,
    features: Path,
    stored: StoredFeatures | None,
    compile: bool,
) -> Learner:
    """All of ``model`` on ``images``, or its heads on what its encoder makes of them.

    Args:
        views: of each image that are cached where the encoder does not learn, in the file ``features``; with 0, the
            heads learn from ``stored`` instead.

    Raises:
        ArtifactError, TrainingError: the features cannot be written or are not finite.
    """
    if train_encoder:
        return WholeNetwork(model, images, image_ids, augmentation, precision=precision, compile=compile)
    if stored is not None:
        values = stored.of(image_ids).numpy()[None]
        # in float32: bfloat16 speeds nothing up that is so narrow
        return FrozenEncoder(model, CachedFeatures(values, images.device), precision="float32")
    cached = cache_features(
        features,
        model.encoder,
        images,
        image_ids,
        augmentation,
        views=views,
        precision=precision,
        generator=generator,
        standardization=model.standardization,
    )
    return FrozenEncoder(model, cached, precision=precision)
