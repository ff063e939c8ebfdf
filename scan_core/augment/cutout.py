"""Cutout (DeVries and Taylor, 2017): one square hole per image."""

import torch
from jaxtyping import Int
from torch import Tensor

from scan_core.augment.draws import integers
from scan_core.augment.grouped import per_image
from scan_core.augment.operation import Operation
from scan_core.augment.pixels import ImageBatch


def draw_holes(
    batch: int, height: int, width: int, *, max_half_length: int, generator: torch.Generator
) -> Int[Tensor, "batch 3"]:
    """Draw (row, column, half-length) per image: the center is any pixel, the half-length 1 to ``max_half_length``."""
    bounds = ((0, height), (0, width), (1, max_half_length + 1))
    draws = [integers(batch, low=low, high=high, generator=generator) for low, high in bounds]
    return torch.stack(draws, 1)


def cut(images: ImageBatch, holes: Int[Tensor, "batch 3"]) -> ImageBatch:
    """Set the square [center - half, center + half) of each image to 0, where it lies inside the image."""
    row, column, half = (per_image(values, images) for values in holes.unbind(1))
    rows = torch.arange(images.shape[-2], device=images.device)[:, None] - row
    columns = torch.arange(images.shape[-1], device=images.device) - column
    inside = (rows >= -half) & (rows < half) & (columns >= -half) & (columns < half)
    return images.mul((~inside).to(images.dtype)).add_(0)  # turns -0 into 0


def cutout(*, max_half_length: int) -> Operation:
    """Cut one hole into each normalized image, in which 0 is the mean color; see :func:`draw_holes`."""
    return Operation(
        lambda shape, generator: (draw_holes(*shape, max_half_length=max_half_length, generator=generator),), cut
    )
