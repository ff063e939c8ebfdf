"""An encoder with one or several linear cluster heads, and its file, which does not contain a frozen encoder."""

import math
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from scan_core.artifacts.model import checksum, load_weights, read_model, write_model
from scan_core.artifacts.standardization import Standardization
from scan_core.encoders.build import ENCODER_KEYS, build_encoder, check_count
from scan_core.encoders.encoder import Encoder
from scan_core.errors import ArtifactError

FROZEN = "encoder_sha256"
"""The key in a model's metadata for the checksum of its encoder's file."""


class ClusterHeads(nn.Module):
    """Independent linear layers from features to cluster logits, computed as one matrix product.

    Initialized as ``torch.nn.Linear`` is.
    """

    def __init__(self, features: int, clusters: int, heads: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(features)
        self.weight = nn.Parameter(torch.empty(heads, clusters, features).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(heads, clusters).uniform_(-bound, bound))

    def forward(self, features: Float[Tensor, "batch features"]) -> Float[Tensor, "heads batch clusters"]:
        """Return the logits of each head."""
        heads, clusters, _ = self.weight.shape
        logits = nn.functional.linear(features, self.weight.flatten(0, 1), self.bias.flatten())
        return logits.view(len(features), heads, clusters).transpose(0, 1)


class ClusteringModel(nn.Module):
    """Turns images into cluster logits (SCAN, section 2.2).

    Args:
        standardization: applied to the features before the heads; None applies none.
    """

    def __init__(
        self, encoder: Encoder, *, clusters: int, heads: int, standardization: Standardization | None = None
    ) -> None:
        super().__init__()
        self.encoder, self.standardization = encoder, standardization
        self.heads = ClusterHeads(encoder.features, clusters, heads)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "heads batch clusters"]:
        """Return the logits of each head."""
        return self.of_features(self.encoder(images))

    def of_features(self, features: Float[Tensor, "batch features"]) -> Float[Tensor, "heads batch clusters"]:
        """Return the logits of each head, given the images' features."""
        return self.heads(features if self.standardization is None else self.standardization(features))


def select_head(weights: dict[str, Tensor], head: int) -> dict[str, Tensor]:
    """Return the weights of the same model with ``head`` as its only head."""
    return {name: value[head : head + 1] if name.startswith("heads.") else value for name, value in weights.items()}


def write_clustering(path: Path, weights: dict[str, Tensor], metadata: dict[str, Any]) -> None:
    """Write the weights of a model with one head; ``metadata`` is that of its encoder plus ``clusters``.

    If it has ``encoder_sha256``, the encoder is in the file with this checksum, and its weights are not written.
    """
    kept = {name: w for name, w in weights.items() if FROZEN not in metadata or not name.startswith("encoder.")}
    write_model(path, kept, metadata)


def read_clustering(path: Path, *, encoder: Path) -> tuple[ClusteringModel, dict[str, Any]]:
    """Build the one-headed model that ``path`` describes and load its weights.

    Args:
        encoder: the file of the pretext task's encoder; read only if the model's encoder was frozen.

    Raises:
        ArtifactError: a file is missing or malformed, weights do not fit, or the encoder is another one.
    """
    weights, metadata = read_model(path, keys=[*ENCODER_KEYS, "clusters"])
    check_count(path, metadata, "clusters")
    if FROZEN in metadata:
        weights |= _frozen_encoder(path, metadata[FROZEN], encoder)
    made = build_encoder(path, metadata)
    standardization = Standardization(made.features) if "standardization.center" in weights else None
    model = ClusteringModel(made, clusters=metadata["clusters"], heads=1, standardization=standardization)
    load_weights(path, model, weights)
    return model, metadata


def _frozen_encoder(path: Path, expected: str, encoder: Path) -> dict[str, Tensor]:
    found = checksum(encoder) if encoder.exists() else "no file"
    if found != expected:
        raise ArtifactError(
            f"{path}: holds cluster heads alone, for the encoder with the SHA-256 {expected[:12]}, found {found[:12]} "
            f"at {encoder}; put that encoder there (copy it from the project that trained this model), or run dvc repro"
        )
    weights, _ = read_model(encoder)
    return {name: weight for name, weight in weights.items() if name.startswith("encoder.")}
