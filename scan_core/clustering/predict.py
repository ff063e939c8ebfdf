"""Predict the clusters of images with a model from a file."""

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
    """Return the probabilities [N, C] that the model of ``path`` gives to the images ``image_ids``; rows sum to 1.

    Args:
        encoder: the file of the encoder, for a model whose encoder was frozen.
        features: the file of that encoder's features of all images, for a model that was trained on them.

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
    """Return the probabilities [N, C] that the one-headed ``model`` gives to the images ``image_ids``; rows sum to 1.

    Args:
        metadata: what :func:`scan_core.clustering.model.read_clustering` returned with the model.
        description: title of the progress bar.
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
    """Return the outputs of ``network``, a model with these ``metadata`` or a part of it, for ``image_ids``."""
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
    """Return the probabilities of images, given their features; all in float32."""
    (logits,) = model.to(features.device).of_features(features)
    return logits.softmax(-1).cpu().numpy()
