"""Mirroring."""

import torch
from jaxtyping import Bool
from torch import Tensor

from scan_core.augment.draws import chances
from scan_core.augment.grouped import apply_to_some
from scan_core.augment.pixels import Images


def horizontal_flip(images: Images, flipped: Bool[Tensor, " batch"]) -> Images:
    """Mirror the ``flipped`` images left-right."""
    return apply_to_some(images, flipped, lambda chosen: chosen.flip(-1))


def random_horizontal_flip(images: Images, *, p: float, generator: torch.Generator) -> Images:
    """Mirror each image left-right, independently, with probability ``p``."""
    return horizontal_flip(images, chances(len(images), p=p, generator=generator))
