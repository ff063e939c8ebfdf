"""``data/artifacts/standardization.safetensors``: what puts the encoder's features on one scale."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from scan_core.artifacts.model import load_weights, read_model, write_model
from scan_core.errors import ArtifactError


class Standardization(nn.Module):
    """Each dimension with mean 0 and variance 1 over the training images, so that all have the same say."""

    center: Tensor
    scale: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("center", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))

    def forward(self, features: Float[Tensor, "images features"]) -> Float[Tensor, "images features"]:
        """Standardize ``features``."""
        return (features - self.center) / self.scale

    def of_array(self, features: Float32[np.ndarray, "images features"]) -> Float32[Tensor, "images features"]:
        """Return ``features`` standardized, on the CPU; this module may be on a GPU, as a part of a model."""
        standardized: Tensor = self(torch.from_numpy(features).to(self.center.device))
        return standardized.cpu()


def write_standardization(
    path: Path, standardization: Standardization, *, encoder_sha256: str, features_sha256: str
) -> None:
    """Write it, with the checksums of the encoder's file and of the file of all its features.

    So this small file stands for the features, of which there may be many gigabytes, where a training asks whether
    anything has changed.
    """
    digests = {"encoder_sha256": encoder_sha256, "features_sha256": features_sha256}
    write_model(path, standardization.state_dict(), digests)


def read_standardization(path: Path, *, encoder_sha256: str) -> Standardization:
    """Read the standardization of the features of the encoder whose file has this checksum.

    Raises:
        ArtifactError: missing, malformed, or of another encoder's features.
    """
    weights, metadata = read_model(path, keys=["encoder_sha256"])
    if (found := metadata["encoder_sha256"]) != encoder_sha256:
        raise ArtifactError(
            f"{path}: for the features of the encoder with the SHA-256 {found[:12]}, expected {encoder_sha256[:12]}, "
            "that of the encoder which is here; run dvc repro embed"
        )
    standardization = Standardization(weights["center"].numel() if "center" in weights else 0)
    load_weights(path, standardization, weights)
    return standardization
