"""From a model file to the clusters of images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from scan_core.clustering.model import ClusteringModel, read_clustering
from scan_core.encoders.build import check_images
from scan_core.encoders.inference import infer
from scan_core.images.images import Images


def predict(path: Path, images: Images, image_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Probabilities [N, C] that the model of ``path`` gives to the images ``image_ids``, rows sum to 1.

    Raises:
        ArtifactError: the model is missing or malformed, or was made for other images.
    """
    model, metadata = read_clustering(path)
    check_images(path, metadata, channels=images.channels, size=images.size)
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
    logits = infer(
        model.to(images.device),
        images,
        torch.from_numpy(image_ids),
        mean=metadata["mean"],
        std=metadata["std"],
        precision=metadata["precision"],
        description=description,
    )
    return logits[0].softmax(-1).cpu().numpy()
