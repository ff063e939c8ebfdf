"""The features that the stage embed has written, to train cluster heads on."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from scan_core.artifacts.standardization import Standardization
from scan_core.errors import ArtifactError

_CHUNK = 8192


class StoredFeatures(NamedTuple):
    """The encoder's features of each image without augmentation, and their standardization."""

    features: Float32[np.ndarray, "all width"]
    """A memory-mapped file, row = image_id; read in chunks."""
    standardization: Standardization

    @torch.no_grad()
    def of(self, image_ids: Int64[Tensor, " images"]) -> Float[Tensor, "images features"]:
        """Return the standardized features of ``image_ids``, on the CPU.

        Raises:
            ArtifactError: the features do not have the width that the standardization expects.
        """
        width = len(self.standardization.center)
        if self.features.shape[1] != width:
            raise ArtifactError(
                f"{self.features.shape[1]} features of an image, expected {width}, as in the standardization; "
                "run dvc repro embed"
            )
        chunks = torch.split(image_ids, _CHUNK)
        return torch.cat([self.standardization.of_array(self.features[chunk.numpy()]) for chunk in chunks])
