"""Transform each image by a random affine map, with bilinear interpolation."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from scan_core.augment.draws import uniform
from scan_core.augment.operation import Operation
from scan_core.augment.pixels import ImageBatch


class AffineParameters(NamedTuple):
    angles: Float[Tensor, " batch"]
    """Rotation about the center in degrees, clockwise as displayed."""
    shifts: Float[Tensor, "batch 2"]
    """Translation (x, y) in pixels, after the rotation."""
    scales: Float[Tensor, " batch"]
    """Zoom, above 1 enlarges."""
    shears: Float[Tensor, " batch"]
    """Shear along x in degrees, before the rotation."""


def draw_affine(
    batch: int,
    height: int,
    width: int,
    *,
    degrees: float,
    translate: float,
    scale: Sequence[float],
    shear: float,
    generator: torch.Generator,
) -> AffineParameters:
    """Draw each parameter uniformly: +-degrees, +-translate times the size (not rounded), scale, +-shear."""
    size = torch.tensor([width, height], device=generator.device)
    return AffineParameters(
        angles=uniform(batch, low=-degrees, high=degrees, generator=generator),
        shifts=uniform(batch, 2, low=-translate, high=translate, generator=generator) * size,
        scales=uniform(batch, low=scale[0], high=scale[1], generator=generator),
        shears=uniform(batch, low=-shear, high=shear, generator=generator),
    )


def affine(images: ImageBatch, parameters: AffineParameters) -> ImageBatch:
    """Transform each image by its own map, with bilinear interpolation; pixels outside the image are black."""
    height, width = images.shape[-2:]
    inverse = _inverse_maps(parameters).to(images.device, non_blocking=True)[:, :, :, None, None]
    x = torch.arange(width, device=images.device) - (width - 1) / 2
    y = (torch.arange(height, device=images.device) - (height - 1) / 2)[:, None]
    source = inverse[:, :, 0] * x + inverse[:, :, 1] * y + inverse[:, :, 2]
    grid = torch.stack([source[:, 0] * (2 / width), source[:, 1] * (2 / height)], -1)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _inverse_maps(parameters: AffineParameters) -> Float[Tensor, "batch 2 3"]:
    """Return the maps from output to source, both in pixels (x, y) from the center."""
    angles, shears = parameters.angles.deg2rad(), parameters.shears.deg2rad()
    cos, sin, tan = angles.cos(), angles.sin(), shears.tan()
    # Forward: rotate(angle) * shear(x -= tan * y) * scale, of determinant scale ** 2.
    x_from_x, x_from_y = (cos - sin * tan) / parameters.scales, (cos * tan + sin) / parameters.scales
    y_from_x, y_from_y = -sin / parameters.scales, cos / parameters.scales
    shift_x, shift_y = parameters.shifts.unbind(1)
    rows = [
        torch.stack([x_from_x, x_from_y, -(x_from_x * shift_x + x_from_y * shift_y)], 1),
        torch.stack([y_from_x, y_from_y, -(y_from_x * shift_x + y_from_y * shift_y)], 1),
    ]
    return torch.stack(rows, 1)


def random_affine(*, degrees: float, translate: float, scale: Sequence[float], shear: float) -> Operation:
    """Rotate, shift, zoom and shear each image at random; see :func:`draw_affine`."""
    return Operation(
        lambda shape, generator: draw_affine(
            *shape, degrees=degrees, translate=translate, scale=scale, shear=shear, generator=generator
        ),
        lambda images, *drawn: affine(images, AffineParameters(*drawn)),
    )
