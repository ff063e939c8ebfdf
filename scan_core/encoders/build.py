"""An encoder from the metadata of the file that its weights are in."""

from typing import Any

from scan_core.encoders.resnet import ResNet

ENCODER_KEYS = ("architecture", "width", "stem", "channels", "mean", "std", "precision")
"""What the metadata of every model holds about its encoder and the images that it takes."""


def build_encoder(metadata: dict[str, Any]) -> ResNet:
    """A fresh encoder of the architecture that ``metadata``, with ``ENCODER_KEYS``, describes."""
    architecture = {key: metadata[key] for key in ("width", "stem", "channels")}
    return ResNet(metadata["architecture"], **architecture)
