"""The model of a pretext task (an encoder with or without a projection head), and its file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from scan_core.artifacts.model import load_weights, read_model, write_model
from scan_core.encoders.build import ENCODER_KEYS, build_encoder
from scan_core.encoders.encoder import Encoder
from scan_core.errors import ArtifactError


class SplitLinear(nn.Module):
    """Two linear layers: the first ``split`` outputs come from the first half of the features, the others from the
    second half (Feng et al., 2019).

    Args:
        batch_norm: whether the outputs of the second layer are standardized over the batch.
    """

    def __init__(self, features: int, outputs: int, *, split: int, batch_norm: bool) -> None:
        super().__init__()
        self._half = features // 2
        self.first = nn.Linear(self._half, split)
        self.second = projection_head(
            features - self._half, hidden_dim=None, projection_dim=outputs - split, batch_norm=batch_norm
        )

    def forward(self, features: Float[Tensor, "batch features"]) -> Float[Tensor, "batch outputs"]:
        """Return the outputs of both layers, concatenated."""
        return torch.cat([self.first(features[:, : self._half]), self.second(features[:, self._half :])], dim=1)


def projection_head(
    features: int,
    *,
    hidden_dim: int | None,
    projection_dim: int,
    batch_norm: bool,
    split: int | None = None,
    centered: bool = False,
) -> nn.Module:
    """Return SimCLR's projection head (Chen et al., 2020): Linear-ReLU-Linear, with ``features`` inputs.

    Args:
        hidden_dim: width of the hidden layer; None makes a single linear layer (Wu et al., 2018).
        batch_norm: whether there is batch normalization before the ReLU, as in the code of Chen et al. (the SCAN
            authors' head has none). After a single layer, it standardizes without learned scale and shift.
        split: if given, make a :class:`SplitLinear` instead.
        centered: whether the outputs of the second layer are standardized over the batch, too.
    """
    if split is not None:
        return SplitLinear(features, projection_dim, split=split, batch_norm=batch_norm)
    if hidden_dim is None:
        only = [nn.BatchNorm1d(projection_dim, affine=False)] if batch_norm else []
        return nn.Sequential(nn.Linear(features, projection_dim, bias=not batch_norm), *only)
    norm = [nn.BatchNorm1d(hidden_dim)] if batch_norm else []
    hidden = nn.Linear(features, hidden_dim, bias=not batch_norm)
    last = [nn.BatchNorm1d(projection_dim, affine=False)] if centered else []
    return nn.Sequential(hidden, *norm, nn.ReLU(), nn.Linear(hidden_dim, projection_dim, bias=not centered), *last)


class PretextModel(nn.Module):
    """An encoder with a projection head.

    Args:
        projection: the arguments of :func:`projection_head`; None is a model without one.
    """

    def __init__(self, encoder: Encoder, *, projection: Mapping[str, Any] | None) -> None:
        super().__init__()
        self.encoder, self.projection_arguments = encoder, projection and dict(projection)
        self.projection = projection_head(encoder.features, **projection) if projection else nn.Identity()

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch dimensions"]:
        """Return projections, not normalized, or the encoder's features if there is no projection head."""
        return self.projection(self.encoder(images))


class FeaturesAndProjection(nn.Module):
    """Computes features and projections in one pass of the encoder."""

    def __init__(self, model: PretextModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch both"]:
        """Return the encoder's features, then their projections."""
        features = self.model.encoder(images)
        return torch.cat([features, self.model.projection(features)], dim=1)


def write_pretext(path: Path, model: PretextModel, metadata: Mapping[str, Any]) -> None:
    """Write the model; ``metadata`` has ``ENCODER_KEYS``, to which the arguments of the projection head are added."""
    write_model(path, model.state_dict(), {**metadata, "projection": model.projection_arguments})


def read_pretext(path: Path) -> tuple[PretextModel, dict[str, Any]]:
    """Build the model that ``path`` describes and load its weights.

    Raises:
        ArtifactError: missing, malformed, or the weights do not fit the description.
    """
    weights, metadata = read_model(path, keys=[*ENCODER_KEYS, "projection"])
    encoder = build_encoder(path, metadata)
    try:
        model = PretextModel(encoder, projection=metadata["projection"])
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ArtifactError(
            f"{path}: projection {metadata['projection']!r} in its metadata, which is no projection head ({reason}); "
            "run dvc repro"
        ) from None
    load_weights(path, model, weights)
    return model, metadata
