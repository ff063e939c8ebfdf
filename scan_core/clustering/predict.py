"""From a model file to the clusters of images."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from scan_core.clustering.model import read_clustering
from scan_core.data.images import Images
from scan_core.encoders.build import check_images
from scan_core.encoders.inference import infer


def predict(path: Path, images: Images, image_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Probabilities [N, C] that the model of ``path`` gives to the images ``image_ids``, rows sum to 1.

    Raises:
        ArtifactError: the model is missing or malformed, or was made for other images.
    """
    model, metadata = read_clustering(path)
    check_images(path, metadata, channels=images.channels, size=images.size)
    logits = infer(
        model.to(images.device),
        images,
        torch.from_numpy(image_ids),
        mean=metadata["mean"],
        std=metadata["std"],
        precision=metadata["precision"],
        description=f"predict, {path.parent.name}",
    )
    return logits[0].softmax(-1).cpu().numpy()
