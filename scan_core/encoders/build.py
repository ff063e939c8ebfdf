"""Make an encoder by its name, or from the metadata of a model file."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from scan_core.encoders.encoder import Encoder
from scan_core.encoders.resnet import STAGES, resnet
from scan_core.encoders.timm_encoder import PREFIX, timm_encoder
from scan_core.errors import ArtifactError

ENCODER_KEYS = ("architecture", "arguments", "channels", "image_size", "mean", "std", "precision")
"""Metadata of every model file that describe the encoder and its input."""

PRECISIONS = ("float32", "bfloat16")
MOST = 2**31 - 1
"""The upper limit of every count in the metadata."""


class Architecture(NamedTuple):
    """How to make an encoder."""

    make: Callable[..., Encoder]
    """Called with the name and, by keyword, ``channels``, ``image_size`` (pixels per side) and the network's own
    arguments; raises ValueError if there is no such network."""
    section: str | None = None
    """The section of the parameters that holds those arguments; None if the network has none."""


ENCODERS = {**{name: Architecture(resnet, section="resnet") for name in STAGES}, PREFIX: Architecture(timm_encoder)}
"""All encoders by name. A key that ends with a slash stands for all names that begin with it."""


def entry(name: str) -> str:
    """Return the key in ``ENCODERS`` that the encoder ``name`` would have: up to its slash, where it has one."""
    first, slash, _ = name.partition("/")
    return first + slash


def make_encoder(name: str, arguments: Mapping[str, Any], *, channels: int, image_size: int) -> Encoder:
    """Return a new encoder, with random weights from PyTorch's global generator.

    Raises:
        ValueError: there is no such encoder, or it does not take one of the arguments.
    """
    if entry(name) not in ENCODERS:
        raise ValueError(f"no encoder is called {name}; there are {', '.join(ENCODERS)}")
    return ENCODERS[entry(name)].make(name, channels=channels, image_size=image_size, **arguments)


def encoder_metadata(name: str, arguments: Mapping[str, Any], *, channels: int, image_size: int) -> dict[str, Any]:
    """Return the metadata from which :func:`build_encoder` can make the encoder again."""
    return {"architecture": name, "arguments": dict(arguments), "channels": channels, "image_size": image_size}


def build_encoder(path: Path, metadata: Mapping[str, Any]) -> Encoder:
    """Return a new encoder from the ``metadata`` of the file ``path``, which have all ``ENCODER_KEYS``.

    Raises:
        ArtifactError: a value is not valid.
    """
    for key, allowed in (("precision", PRECISIONS), ("channels", (1, 3))):
        if metadata[key] not in tuple(allowed):
            raise _wrong(path, metadata, key, f"one of {', '.join(map(str, allowed))}")
    if not isinstance(metadata["architecture"], str) or entry(metadata["architecture"]) not in ENCODERS:
        raise _wrong(path, metadata, "architecture", f"one of {', '.join(ENCODERS)}")
    check_count(path, metadata, "image_size")
    for key, smallest in (("mean", -math.inf), ("std", 0.0)):
        if not _are_numbers(metadata[key], count=metadata["channels"], above=smallest):
            raise _wrong(path, metadata, key, f"{metadata['channels']} finite numbers above {smallest:g}")
    images = {key: metadata[key] for key in ("channels", "image_size")}
    try:
        return make_encoder(metadata["architecture"], metadata["arguments"], **images)
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise _wrong(path, metadata, "arguments", f"those of {metadata['architecture']} ({reason})") from None


def check_count(path: Path, metadata: Mapping[str, Any], key: str) -> None:
    """Raise ArtifactError unless ``metadata[key]`` is a whole number from 1 to ``MOST``."""
    value = metadata[key]
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST:
        raise _wrong(path, metadata, key, f"a whole number from 1 to {MOST}")


def check_images(path: Path, metadata: Mapping[str, Any], *, channels: int, size: int) -> None:
    """Raise ArtifactError unless the model of the file ``path`` was made for images of this size."""
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
