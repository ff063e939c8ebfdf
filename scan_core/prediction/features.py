"""A model's own features of images, and the probabilities that it gives to them, in one pass."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor, nn

from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.predict import of_features, run
from scan_core.images.images import Images


class Outputs(NamedTuple):
    """What a model says of images."""

    features: Float32[np.ndarray, "images features"]
    """As the heads take them: standardized where the model standardizes."""
    probabilities: Float32[np.ndarray, "images clusters"]
    """Rows sum to 1; as :func:`scan_core.clustering.predict.probabilities` gives them."""


class _FeaturesAndLogits(nn.Module):
    """Both, side by side."""

    def __init__(self, model: ClusteringModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch outputs"]:
        features = self.model.encoder(images)
        (logits,) = self.model.of_features(features)
        return torch.cat([features.float(), logits.float()], dim=1)


def features_and_probabilities(
    model: ClusteringModel,
    metadata: Mapping[str, Any],
    images: Images,
    image_ids: Int64[np.ndarray, " images"],
    *,
    description: str | None,
) -> Outputs:
    """Let the one-headed ``model``, which is on the images' device, look at the images ``image_ids``.

    Args:
        metadata: as :func:`scan_core.clustering.model.read_clustering` gives it with the model.
        description: what to call the work in a progress bar; without it there is none.
    """
    standardization = model.standardization
    network = _FeaturesAndLogits(model) if standardization is None else model.get_submodule("encoder")
    outputs = run(network, metadata, images, image_ids, description)
    if standardization is not None:
        return Outputs(heads_take(model, outputs), of_features(model, outputs))
    width = outputs.shape[1] - metadata["clusters"]
    return Outputs(outputs[:, :width].cpu().numpy(), outputs[:, width:].softmax(-1).cpu().numpy())


@torch.no_grad()
def heads_take(model: ClusteringModel, features: Float[Tensor, "images features"]) -> Float32[np.ndarray, "images _"]:
    """What the heads of ``model`` take of an encoder's ``features``."""
    standardization = model.standardization
    return (features if standardization is None else standardization(features)).cpu().numpy()
