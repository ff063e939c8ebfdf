"""Load pretrained weights into an encoder: from a package, from timm's hub, or from a file."""

from collections.abc import Mapping
from pathlib import Path

from scan_core.artifacts.index import Normalization
from scan_core.artifacts.model import checksum
from scan_core.encoders.encoder import Encoder
from scan_core.encoders.fit_weights import fit_weights
from scan_core.encoders.packaged import load_packaged
from scan_core.encoders.start import Start
from scan_core.encoders.timm_encoder import TimmEncoder
from scan_core.encoders.timm_hub import load_published
from scan_core.encoders.weight_file import read_weights
from scan_core.errors import WeightsError

PACKAGED, HUB = "packaged", "hub"
"""Values of ``weights`` that are not the path of a file."""
IMAGENET = Normalization([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
"""Normalization of torchvision's networks, and thus of most files that fit a ResNet with its names."""


def start_from(
    encoder: Encoder, weights: str | Path | None, *, described: Mapping[str, object], channels: int
) -> Start:
    """Load ``weights`` into ``encoder``, in place.

    Args:
        weights: ``PACKAGED``, ``HUB``, the path of a file, or None to keep the random weights.
        described: the encoder's ``architecture`` and ``arguments``; a file of this project must have the same.
        channels: channels of the images.

    Raises:
        WeightsError: the weights do not exist, cannot be loaded, or belong to another network.
    """
    if weights is None:
        return Start()
    if isinstance(weights, Path):
        return _from_file(encoder, weights, described).of_channels(channels)
    if not isinstance(encoder, TimmEncoder):
        raise WeightsError(f"{weights}: found {described['architecture']}, expected a network of timm (timm/NAME)")
    load = load_packaged if weights == PACKAGED else load_published
    return load(encoder).of_channels(channels)


def _from_file(encoder: Encoder, path: Path, described: Mapping[str, object]) -> Start:
    """Load a file's weights; a file of this project has ``trained_with`` and the normalization in its metadata."""
    tensors, metadata = read_weights(path)
    for key, value in described.items():
        if metadata.get(key, value) != value:
            raise WeightsError(f"{path}: made for {key} {metadata[key]}, expected {value}")
    fit_weights(encoder, tensors, path)
    normalization = encoder.normalization if isinstance(encoder, TimmEncoder) else IMAGENET
    if "mean" in metadata:
        normalization = Normalization(metadata["mean"], metadata["std"])
    digest = checksum(path)
    trained_with = metadata.get("trained_with", "what its file was")
    return Start(f"{trained_with} ({path.name}, sha256 {digest[:12]})", normalization, digest)
