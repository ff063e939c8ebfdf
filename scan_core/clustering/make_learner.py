"""Make the learner of a clustering step: the whole network, or its heads on cached or stored features."""

from pathlib import Path

import torch
from jaxtyping import Int64
from torch import Tensor

from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.cached_features import CachedFeatures, cache_features
from scan_core.clustering.frozen_encoder import FrozenEncoder
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.stored_features import StoredFeatures
from scan_core.clustering.whole_network import WholeNetwork
from scan_core.images.images import Images

Learner = FrozenEncoder | WholeNetwork
"""What a clustering step trains; the optimizer updates ``learned``, the ``model`` or a part of it with the same names.

A row is the position of a training image, below ``len(learner)``. The iterators are lazy: they compute the logits of a
step with the weights of that moment. Without augmentation (``of_images``, and the first logits of
``plain_and_augmented``) they have no gradient.
"""


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
    """Return a learner of all of ``model``, or of its heads if not ``train_encoder``.

    Args:
        views: number of augmented views of each image whose features are cached, if the encoder is frozen.
        features: the file for cached features.
        stored: features that the heads learn from instead of cached ones; None if ``views`` are cached.

    Raises:
        ArtifactError, TrainingError: the features cannot be written or are not finite.
    """
    if train_encoder:
        return WholeNetwork(model, images, image_ids, augmentation, precision=precision, compile=compile)
    if stored is not None:
        values = stored.of(image_ids).numpy()[None]
        # float32: on layers this narrow, bfloat16 is no faster
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
