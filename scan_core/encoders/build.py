"""Making an encoder: by name, or as the metadata of the file describe it that its weights are in."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from scan_core.encoders.encoder import Encoder
from scan_core.encoders.resnet import STAGES, resnet
from scan_core.encoders.timm_encoder import PREFIX, timm_encoder
from scan_core.errors import ArtifactError

ENCODER_KEYS = ("architecture", "arguments", "channels", "image_size", "mean", "std", "precision")
"""What the metadata of every model holds about its encoder and the images that it takes."""

PRECISIONS = ("float32", "bfloat16")
MOST = 2**31 - 1
"""Of whatever a model has a number of."""


class Architecture(NamedTuple):
    """A network that can be asked for by name."""

    make: Callable[..., Encoder]
    """Called with the name, ``channels`` and ``image_size`` (pixels per side) of the images, and the arguments that
    only this network has. Raises ValueError for what it cannot be."""
    section: str | None = None
    """Where those arguments stand in a table of parameters; None where the network has none."""


ENCODERS = {**{name: Architecture(resnet, section="resnet") for name in STAGES}, PREFIX: Architecture(timm_encoder)}
"""Every encoder, by the name that parameters and metadata give it; or, with a slash at the end, how such names begin.
"""


def entry(name: str) -> str:
    """Return the key in ``ENCODERS`` that the encoder ``name`` would have: up to its slash, where it has one."""
    first, slash, _ = name.partition("/")
    return first + slash


def make_encoder(name: str, arguments: Mapping[str, Any], *, channels: int, image_size: int) -> Encoder:
    """A fresh encoder, with random weights from PyTorch's global generator.

    Raises:
        ValueError: no such encoder, or an argument that it cannot have.
    """
    if entry(name) not in ENCODERS:
        raise ValueError(f"no encoder is called {name}; there are {', '.join(ENCODERS)}")
    return ENCODERS[entry(name)].make(name, channels=channels, image_size=image_size, **arguments)


def encoder_metadata(name: str, arguments: Mapping[str, Any], *, channels: int, image_size: int) -> dict[str, Any]:
    """What a model file says of its encoder, so that :func:`build_encoder` can make it again."""
    return {"architecture": name, "arguments": dict(arguments), "channels": channels, "image_size": image_size}


def build_encoder(path: Path, metadata: Mapping[str, Any]) -> Encoder:
    """A fresh encoder as ``metadata``, with ``ENCODER_KEYS``, of the file ``path`` describe it.

    Raises:
        ArtifactError: a value that no encoder has.
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
