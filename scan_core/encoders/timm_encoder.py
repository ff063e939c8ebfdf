"""Networks of the library timm (Wightman, 2019). Importing it takes seconds, so only functions that need it do so."""

import difflib
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from scan_core.artifacts.index import Normalization

PREFIX = "timm/"
"""Prefix of their names here: ``timm/convnext_tiny`` is timm's ``convnext_tiny``."""
MOST_NEAR = 3
"""Number of similar names in the message about an unknown name."""
STRIDE = 32
"""Image sizes to try for a network without patches are multiples of this, the stride of most networks."""


class TimmEncoder(nn.Module):
    """A network of timm without its classifier, which turns images into pooled features.

    Args:
        name: timm's name, with or without the tag of published weights; the weights are random in either case.
        channels: channels of the images; a single channel is repeated to the three that the network takes.
        image_size: pixels per side; a network that is built for one size is built for this one.

    Raises:
        ValueError: there is no such network, it takes no images of this size, or it has no pooled features.
    """

    features: int

    def __init__(self, name: str, *, channels: int, image_size: int) -> None:
        super().__init__()
        if channels not in (1, 3):
            raise ValueError(f"images of {channels} channels, expected 1 or 3")
        self.name, self.image_size = name, image_size
        self.network = _network(name, image_size)
        self.features = _count_features(self.network, image_size)
        self.to(memory_format=torch.channels_last)

    @property
    def normalization(self) -> Normalization:
        """Normalization of the images that the published weights expect, of three channels."""
        cfg: Any = self.network.pretrained_cfg
        return Normalization(list(cfg["mean"]), list(cfg["std"]))

    def forward(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch features"]:
        """Return the pooled features that the network would pass to its classifier."""
        three = images.expand(-1, 3, -1, -1)
        features: Tensor = self.network(three.contiguous(memory_format=torch.channels_last))
        return features


def timm_encoder(name: str, *, channels: int, image_size: int) -> TimmEncoder:
    """Make the :class:`TimmEncoder` with this ``name``, which begins with ``PREFIX``."""
    return TimmEncoder(name.removeprefix(PREFIX), channels=channels, image_size=image_size)


def size_arguments(name: str, image_size: int) -> dict[str, Any]:
    """Return the arguments with which timm makes the network ``name`` for images of this size."""
    import timm

    cfg = timm.get_pretrained_cfg(name)
    return {"img_size": image_size} if cfg is not None and cfg.fixed_input_size else {}


def _network(name: str, image_size: int) -> nn.Module:
    _check_name(name)
    network = _of_size(name, image_size)
    if network is None:
        near = _near_size(name, image_size)
        raise ValueError(f"{name} takes no images of {image_size} px; the nearest size that it takes is {near}")
    return network


def _check_name(name: str) -> None:
    import timm

    known = [*timm.list_models(), *timm.list_models(pretrained=True)]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=MOST_NEAR, cutoff=0.5)
        raise ValueError(f"timm {timm.__version__} has no network {name}; near ones: {', '.join(near) or 'none'}")


def _of_size(name: str, image_size: int) -> nn.Module | None:
    """Return the network, or None if it takes no images of ``image_size``; some networks only say so when run."""
    import timm

    try:
        network = timm.create_model(name, num_classes=0, **size_arguments(name, image_size))
        _count_features(network, image_size)
    except (AssertionError, RuntimeError, TypeError):
        return None
    return None if image_size % _patch_size(network) else network


def _count_features(network: nn.Module, image_size: int) -> int:
    """Return the number of features by running an image: timm's ``num_features`` ignores a last layer."""
    training = network.training
    with torch.no_grad():
        features = network.eval()(torch.zeros(1, 3, image_size, image_size))
    network.train(training)
    if not isinstance(features, Tensor) or features.ndim != 2:
        raise ValueError("it has no pooled features, expected one vector for each image")
    return features.shape[1]


def _patch_size(network: nn.Module) -> int:
    """Return the pixels per side of the network's patches; 1 if it has none."""
    size = getattr(getattr(network, "patch_embed", None), "patch_size", 1)
    return int(size if isinstance(size, int) else size[0])


def _near_size(name: str, image_size: int) -> int:
    """Return the nearest size that the network takes: a multiple of its patches beside ``image_size``, or its own."""
    import timm

    network: Any = timm.create_model(name, num_classes=0)
    patch, own = _patch_size(network), int(network.pretrained_cfg["input_size"][-1])
    step = patch if patch > 1 else STRIDE
    below = image_size // step * step
    tried = sorted({below, below + step} - {0, image_size}, key=lambda size: abs(size - image_size))
    return next((size for size in tried if _of_size(name, size)), own)
