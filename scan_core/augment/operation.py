"""An operation of the augmentation: what is drawn for each image, and what is then done to the images."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

Parameters = tuple[Tensor, ...]
"""What was drawn, on the generator's device; the first axis counts images."""


class Operation(NamedTuple):
    draw: Callable[[tuple[int, int, int], torch.Generator], Parameters]
    """Draw for images of the shape (batch, height, width)."""
    apply: Callable[..., Tensor]
    """Transform images (the first argument) by what was drawn for them (the others), on the images' device."""
    size: int | None = None
    """Pixels per side of the result; None is the images' own size."""
