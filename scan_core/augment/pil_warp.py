"""Rotation, shear and translation, byte for byte PIL's: nearest pixel, black outside, 16.16 fixed-point positions.

``values`` may be on the CPU while the images are on another device: the maps need double precision, which not every
device has, and are worked out where the values are.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from scan_core.augment.pixels import Bytes


def rotate(images: Bytes, values: Float[Tensor, " batch"]) -> Bytes:
    """Rotate counterclockwise about the center by -90 to 90 degrees (exclusive)."""
    angles = values.double() * (math.pi / 180)
    cos, sin = angles.cos(), angles.sin()
    x, y = images.shape[3] / 2, images.shape[2] / 2
    return _warp(images, [cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y])


def shear_x(images: Bytes, values: Float[Tensor, " batch"]) -> Bytes:
    """Read each row further right by the value times its distance from the top."""
    one, zero = _one_and_zero(values)
    return _warp(images, [one, values.double(), zero, zero, one, zero])


def shear_y(images: Bytes, values: Float[Tensor, " batch"]) -> Bytes:
    """Read each column further down by the value times its distance from the left."""
    one, zero = _one_and_zero(values)
    return _warp(images, [one, zero, zero, values.double(), one, zero])


def translate_x(images: Bytes, values: Float[Tensor, " batch"]) -> Bytes:
    """Read further right by the value times the width, in whole pixels."""
    one, zero = _one_and_zero(values)
    return _warp(images, [one, zero, _whole(values, images.shape[3]), zero, one, zero])


def translate_y(images: Bytes, values: Float[Tensor, " batch"]) -> Bytes:
    """Read further down by the value times the height, in whole pixels."""
    one, zero = _one_and_zero(values)
    return _warp(images, [one, zero, zero, zero, one, _whole(values, images.shape[2])])


def _one_and_zero(values: Float[Tensor, " batch"]) -> tuple[Tensor, Tensor]:
    one = torch.ones_like(values, dtype=torch.float64)
    return one, torch.zeros_like(one)


def _whole(values: Float[Tensor, " batch"], size: int) -> Float[Tensor, " batch"]:
    return (values.double() * size + 0.5).floor_()


def _warp(images: Bytes, coefficients: list[Tensor]) -> Bytes:
    """Read the pixel at (a x + b y + c, d x + e y + f) for each pixel's center (x, y), given [a, b, c, d, e, f]."""
    a, b, c, d, e, f = coefficients
    starts = [a, b, c + (a + b) / 2, d, e, f + (d + e) / 2]
    fixed = (torch.stack(starts) * 65536 + 0.5).floor_().int().to(images.device, non_blocking=True)
    a, b, c, d, e, f = fixed[:, :, None, None]
    height, width = images.shape[-2:]
    x = torch.arange(width, device=images.device, dtype=torch.int32)
    y = torch.arange(height, device=images.device, dtype=torch.int32)[:, None]
    column, row = (c + a * x + b * y) >> 16, (f + d * x + e * y) >> 16
    nearest_column, nearest_row = column.clamp(0, width - 1), row.clamp(0, height - 1)
    outside = (column != nearest_column) | (row != nearest_row)
    pixels = nearest_row.mul_(width).add_(nearest_column).flatten(1)[:, None].long()
    read = images.flatten(2).gather(2, pixels.expand(-1, images.shape[1], -1)).view_as(images)
    return read.masked_fill_(outside[:, None], 0)
