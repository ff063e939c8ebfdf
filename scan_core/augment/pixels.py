"""The two forms of an image batch: bytes (as stored) and floats in [0, 1] (for transformations)."""

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

ImageBatch = Float32[Tensor, "batch channels height width"]
"""Values in [0, 1] (unless normalized), 1 or 3 channels."""

Resized = Float32[Tensor, "batch channels new_height new_width"]
"""Like ``ImageBatch``, but possibly resized."""

Bytes = UInt8[Tensor, "batch channels height width"]
"""Values from 0 to 255, 1 or 3 channels."""


def to_unit(images: Bytes) -> ImageBatch:
    """Map 0..255 to [0, 1], in a new tensor."""
    return images.to(torch.float32).div_(255)


def to_bytes(images: ImageBatch) -> Bytes:
    """Map [0, 1] to 0..255, rounded to the nearest; the inverse of :func:`to_unit`."""
    return images.mul(255).round_().to(torch.uint8)


def in_unit(images: ImageBatch | Bytes) -> ImageBatch:
    """Return the pixels in [0, 1], given either form."""
    return to_unit(images) if images.dtype == torch.uint8 else images
