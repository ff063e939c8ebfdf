"""The pretext model, encoder and projection head, and its file."""

from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from scan_core.artifacts.model import load_weights, read_model, write_model
from scan_core.encoders.build import ENCODER_KEYS, build_encoder, check_count, check_flag
from scan_core.encoders.resnet import ResNet


class PretextModel(nn.Module):
    """An encoder with the projection head of SimCLR (Chen et al., 2020), Linear-ReLU-Linear.

    Args:
        batch_norm: whether batch normalization stands between the first linear layer and the ReLU, as in the code of
            Chen et al.; the SCAN authors' head has none.
    """

    def __init__(self, encoder: ResNet, *, hidden_dim: int, projection_dim: int, batch_norm: bool) -> None:
        super().__init__()
        self.encoder = encoder
        norm = [nn.BatchNorm1d(hidden_dim)] if batch_norm else []
        hidden = nn.Linear(encoder.features, hidden_dim, bias=not batch_norm)
        self.projection = nn.Sequential(hidden, *norm, nn.ReLU(), nn.Linear(hidden_dim, projection_dim))

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch dimensions"]:
        """Projections, not normalized."""
        return self.projection(self.encoder(images))


def write_pretext(path: Path, model: PretextModel, metadata: dict[str, Any]) -> None:
    """Write the model; ``metadata`` holds at least the keys that :func:`read_pretext` and ``build_encoder`` use."""
    write_model(path, model.state_dict(), metadata)


def read_pretext(path: Path) -> tuple[PretextModel, dict[str, Any]]:
    """Build the model that ``path`` describes and load its weights.

    Raises:
        ArtifactError: missing, malformed, or the weights do not fit the description.
    """
    sizes = ("hidden_dim", "projection_dim")
    head_keys = (*sizes, "batch_norm")
    weights, metadata = read_model(path, keys=[*ENCODER_KEYS, *head_keys])
    for key in sizes:
        check_count(path, metadata, key)
    check_flag(path, metadata, "batch_norm")
    head = {key: metadata[key] for key in head_keys}
    model = PretextModel(build_encoder(path, metadata), **head)
    load_weights(path, model, weights)
    return model, metadata
