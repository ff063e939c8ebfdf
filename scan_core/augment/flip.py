"""Mirroring."""

import torch
from jaxtyping import Bool
from torch import Tensor

from scan_core.augment.draws import chances
from scan_core.augment.grouped import Batch, apply_to_some


def horizontal_flip(images: Batch, flipped: Bool[Tensor, " batch"]) -> Batch:
    """Mirror the ``flipped`` images left-right."""
    return apply_to_some(images, flipped, lambda chosen: chosen.flip(-1))


def random_horizontal_flip(images: Batch, *, p: float, generator: torch.Generator) -> Batch:
    """Mirror each image left-right, independently, with probability ``p``."""
    return horizontal_flip(images, chances(len(images), p=p, generator=generator))
