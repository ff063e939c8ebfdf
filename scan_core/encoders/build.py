"""An encoder from the metadata of the file that its weights are in."""

from typing import Any

from scan_core.encoders.resnet import ResNet


def build_encoder(metadata: dict[str, Any]) -> ResNet:
    """A fresh encoder of the architecture that ``metadata`` describes: architecture, width, stem, channels."""
    keys = ("width", "stem", "channels")
    return ResNet(metadata["architecture"], **{key: metadata[key] for key in keys})
