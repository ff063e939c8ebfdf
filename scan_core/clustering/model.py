"""An encoder with one or several linear cluster heads, and its file."""

import math
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from scan_core.artifacts.model import load_weights, read_model, write_model
from scan_core.encoders.build import ENCODER_KEYS, build_encoder, check_count
from scan_core.encoders.encoder import Encoder


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
        """Logits of each head."""
        heads, clusters, _ = self.weight.shape
        logits = nn.functional.linear(features, self.weight.flatten(0, 1), self.bias.flatten())
        return logits.view(len(features), heads, clusters).transpose(0, 1)


class ClusteringModel(nn.Module):
    """Images to cluster logits (SCAN, section 2.2)."""

    def __init__(self, encoder: Encoder, *, clusters: int, heads: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = ClusterHeads(encoder.features, clusters, heads)

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "heads batch clusters"]:
        """Logits of each head."""
        return self.heads(self.encoder(images))


def select_head(weights: dict[str, Tensor], head: int) -> dict[str, Tensor]:
    """The weights of the same model with ``head`` as its only one."""
    return {name: value[head : head + 1] if name.startswith("heads.") else value for name, value in weights.items()}


def write_clustering(path: Path, weights: dict[str, Tensor], metadata: dict[str, Any]) -> None:
    """Write the weights of a model with one head; ``metadata`` is that of its encoder plus ``clusters``."""
    write_model(path, weights, metadata)


def read_clustering(path: Path) -> tuple[ClusteringModel, dict[str, Any]]:
    """Build the one-headed model that ``path`` describes and load its weights.

    Raises:
        ArtifactError: missing, malformed, or the weights do not fit the description.
    """
    weights, metadata = read_model(path, keys=[*ENCODER_KEYS, "clusters"])
    check_count(path, metadata, "clusters")
    model = ClusteringModel(build_encoder(path, metadata), clusters=metadata["clusters"], heads=1)
    load_weights(path, model, weights)
    return model, metadata
