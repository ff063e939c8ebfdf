"""From a model file to the clusters of images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from scan_core.artifacts.features import read_features
from scan_core.clustering.model import FROZEN, ClusteringModel, read_clustering
from scan_core.encoders.build import check_images
from scan_core.encoders.inference import infer
from scan_core.images.images import Images


def predict(
    path: Path, images: Images, image_ids: npt.NDArray[np.int64], *, encoder: Path, features: Path
) -> npt.NDArray[np.float32]:
    """Probabilities [N, C] that the model of ``path`` gives to the images ``image_ids``, rows sum to 1.

    Args:
        encoder: the file of a frozen one.
        features: those of all images by that encoder; a model that has learned from them needs nothing else.

    Raises:
        ArtifactError: the model is missing or malformed, or was made for other images.
    """
    model, metadata = read_clustering(path, encoder=encoder)
    check_images(path, metadata, channels=images.channels, size=images.size)
    if FROZEN in metadata and model.standardization is not None:
        stored = read_features(features, rows=len(images))[image_ids]
        return of_features(model, torch.from_numpy(stored))
    step = path.parent.name if path.stem == "model" else path.stem
    return probabilities(model, metadata, images, image_ids, description=f"predict, {step}")


def probabilities(
    model: ClusteringModel,
    metadata: Mapping[str, Any],
    images: Images,
    image_ids: npt.NDArray[np.int64],
    *,
    description: str,
) -> npt.NDArray[np.float32]:
    """Probabilities [N, C] that the one-headed ``model`` gives to the images ``image_ids``, rows sum to 1.

    Args:
        metadata: as :func:`scan_core.clustering.model.read_clustering` gives it with the model.
        description: what to call the work in a progress bar.
    """
    model.to(images.device)
    if model.standardization is not None:
        return of_features(model, run(model.get_submodule("encoder"), metadata, images, image_ids, description))
    return run(model, metadata, images, image_ids, description)[0].softmax(-1).cpu().numpy()


def run(
    network: nn.Module,
    metadata: Mapping[str, Any],
    images: Images,
    image_ids: npt.NDArray[np.int64],
    description: str | None,
) -> Float[Tensor, "*heads images outputs"]:
    """Return what ``network``, a part of a model with these ``metadata``, makes of the images ``image_ids``."""
    return infer(
        network,
        images,
        torch.from_numpy(image_ids),
        mean=metadata["mean"],
        std=metadata["std"],
        precision=metadata["precision"],
        description=description,
    )


@torch.no_grad()
def of_features(
    model: ClusteringModel, features: Float[Tensor, "images features"]
) -> Float32[np.ndarray, "images clusters"]:
    """Probabilities that a model whose heads standardize their features gives to images, in float32 throughout."""
    (logits,) = model.to(features.device).of_features(features)
    return logits.softmax(-1).cpu().numpy()
