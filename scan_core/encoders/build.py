"""An encoder from the metadata of the file that its weights are in."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scan_core.encoders.resnet import STAGES, STEMS, ResNet
from scan_core.errors import ArtifactError

ENCODER_KEYS = ("architecture", "width", "stem", "channels", "image_size", "mean", "std", "precision")
"""What the metadata of every model holds about its encoder and the images that it takes."""

PRECISIONS = ("float32", "bfloat16")


def build_encoder(path: Path, metadata: Mapping[str, Any]) -> ResNet:
    """A fresh encoder of the architecture that ``metadata``, with ``ENCODER_KEYS``, of the file ``path`` describes.

    Raises:
        ArtifactError: a value that no encoder has.
    """
    for key, allowed in (("architecture", STAGES), ("stem", STEMS), ("precision", PRECISIONS), ("channels", (1, 3))):
        if metadata[key] not in tuple(allowed):
            raise _wrong(path, metadata, key, f"one of {', '.join(map(str, allowed))}")
    for key in ("width", "image_size"):
        check_count(path, metadata, key)
    for key, smallest in (("mean", -math.inf), ("std", 0.0)):
        if not _are_numbers(metadata[key], count=metadata["channels"], above=smallest):
            raise _wrong(path, metadata, key, f"{metadata['channels']} finite numbers above {smallest:g}")
    architecture = {key: metadata[key] for key in ("width", "stem", "channels")}
    return ResNet(metadata["architecture"], **architecture)


def check_count(path: Path, metadata: Mapping[str, Any], key: str) -> None:
    """Raise ArtifactError unless ``metadata[key]`` is a whole number of at least 1."""
    value = metadata[key]
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _wrong(path, metadata, key, "a whole number of at least 1")


def check_flag(path: Path, metadata: Mapping[str, Any], key: str) -> None:
    """Raise ArtifactError unless ``metadata[key]`` is true or false."""
    if not isinstance(metadata[key], bool):
        raise _wrong(path, metadata, key, "true or false")


def check_images(path: Path, metadata: Mapping[str, Any], *, channels: int, size: int) -> None:
    """Raise ArtifactError unless the model of the file ``path`` was made for images of this kind."""
    if (metadata["channels"], metadata["image_size"]) != (channels, size):
        raise ArtifactError(
            f"{path}: made for {metadata['channels']} channels of {metadata['image_size']} px, found {channels} of "
            f"{size} px in data/artifacts/images; run dvc repro"
        )


def _are_numbers(values: object, *, count: int, above: float) -> bool:
    if not isinstance(values, list) or len(values) != count:
        return False
    return all(isinstance(value, int | float) and math.isfinite(value) and value > above for value in values)


def _wrong(path: Path, metadata: Mapping[str, Any], key: str, expected: str) -> ArtifactError:
    return ArtifactError(f"{path}: {key} {metadata[key]!r} in its metadata, expected {expected}; run dvc repro")
