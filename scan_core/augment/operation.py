"""An operation of the augmentation: it draws random parameters for each image, and transforms images by them."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

Parameters = tuple[Tensor, ...]
"""Drawn parameters, on the generator's device; the first axis is the batch."""


class Operation(NamedTuple):
    draw: Callable[[tuple[int, int, int], torch.Generator], Parameters]
    """Draw the parameters for images of shape (batch, height, width)."""
    apply: Callable[..., Tensor]
    """Transform images (first argument) by their parameters (the others), on the images' device."""
    size: int | None = None
    """Pixels per side of the result; None for the images' own size."""
