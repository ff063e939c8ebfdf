"""Rotate, shear and translate, byte for byte as PIL: nearest pixel, black outside, 16.16 fixed-point positions.

``values`` may be on the CPU while the images are on another device. The maps are computed on the device of the values,
because they need double precision, which not every device has.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from scan_core.augment.pixels import Bytes

Values = Float[Tensor, "*any"]
Coefficients = Float[Tensor, "*any 6"]
"""(a, b, c, d, e, f), see :func:`warp`; float64."""


def rotate(values: Values, height: int, width: int) -> Coefficients:
    """Return the coefficients that rotate counterclockwise about the center by values in degrees, within (-90, 90)."""
    angles = values.double() * (math.pi / 180)
    cos, sin = angles.cos(), angles.sin()
    x, y = width / 2, height / 2
    return torch.stack([cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y], -1)


def shear_x(values: Values, height: int, width: int) -> Coefficients:
    """Return the coefficients that read each row further right by the value times its distance from the top."""
    return _identity_but(1, values.double())


def shear_y(values: Values, height: int, width: int) -> Coefficients:
    """Return the coefficients that read each column further down by the value times its distance from the left."""
    return _identity_but(3, values.double())


def translate_x(values: Values, height: int, width: int) -> Coefficients:
    """Return the coefficients that read further right by the value times the width, in whole pixels."""
    return _identity_but(2, _whole(values, width))


def translate_y(values: Values, height: int, width: int) -> Coefficients:
    """Return the coefficients that read further down by the value times the height, in whole pixels."""
    return _identity_but(5, _whole(values, height))


def _identity_but(place: int, coefficient: Float[Tensor, "*any"]) -> Coefficients:
    coefficients = coefficient.new_tensor([1, 0, 0, 0, 1, 0]).repeat(*coefficient.shape, 1)
    coefficients[..., place] = coefficient
    return coefficients


def _whole(values: Values, size: int) -> Float[Tensor, "*any"]:
    return (values.double() * size + 0.5).floor_()


def warp(images: Bytes, coefficients: Float[Tensor, "batch 6"]) -> Bytes:
    """Read the pixel at (a x + b y + c, d x + e y + f) for each pixel's center (x, y), given (a, b, c, d, e, f)."""
    a, b, c, d, e, f = coefficients.unbind(1)
    starts = [a, b, c + (a + b) / 2, d, e, f + (d + e) / 2]
    fixed = (torch.stack(starts) * 65536 + 0.5).floor_().int().to(images.device, non_blocking=True)
    a, b, c, d, e, f = fixed[:, :, None, None]
    height, width = images.shape[-2:]
    x = torch.arange(width, device=images.device, dtype=torch.int32)
    y = torch.arange(height, device=images.device, dtype=torch.int32)[:, None]
    column, row = (c + a * x + b * y) >> 16, (f + d * x + e * y) >> 16
    nearest_column, nearest_row = column.clamp(0, width - 1), row.clamp(0, height - 1)
    inside = (column == nearest_column) & (row == nearest_row)
    pixels = nearest_row.mul_(width).add_(nearest_column).flatten(1)[:, None].long()
    read = images.flatten(2).gather(2, pixels.expand(-1, images.shape[1], -1)).view_as(images)
    return read.mul_(inside[:, None].to(torch.uint8))
