"""Blend an image with a degenerate version of itself (gray, black, smooth), byte for byte as PIL's ImageEnhance.

A value of 0 gives the degenerate version, 1 the image. Like PIL, this computes in float32 and truncates.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from scan_core.augment.grouped import per_image
from scan_core.augment.pixels import Bytes, ImageBatch


def color(images: Bytes, values: Float[Tensor, " batch"]) -> Bytes:
    """Blend with the gray image. One channel stays as it is."""
    return images if images.shape[1] == 1 else _blend(_gray(images).float(), images.float(), values)


def contrast(images: Bytes, values: Float[Tensor, " batch"]) -> Bytes:
    """Blend with uniform gray: the rounded mean of the gray image."""
    pixels = images.shape[2] * images.shape[3]
    means = (2 * _gray(images).sum((1, 2, 3), keepdim=True) + pixels) // (2 * pixels)
    return _blend(means.float(), images.float(), values)


def brightness(images: Bytes, values: Float[Tensor, " batch"]) -> Bytes:
    """Blend with black."""
    return images.float().mul_(per_image(values, images)).clamp_(0, 255).to(torch.uint8)


def sharpness(images: Bytes, values: Float[Tensor, " batch"]) -> Bytes:
    """Blend with the image smoothed by the kernel (1 1 1, 1 5 1, 1 1 1) / 13, except its outermost pixels."""
    pixels = images.float()
    columns = pixels[:, :, :-2] + pixels[:, :, 1:-1] + pixels[:, :, 2:]
    sums = columns[..., :-2] + columns[..., 1:-1] + columns[..., 2:]
    smooth = pixels.clone()
    # A multiple of 1/13 is never halfway between two integers, so any rounding to the nearest equals PIL's.
    smooth[:, :, 1:-1, 1:-1] = sums.add_(pixels[:, :, 1:-1, 1:-1], alpha=4).div_(13).round_()
    return _blend(smooth, pixels, values)


def _gray(images: Bytes) -> Int[Tensor, "batch 1 height width"]:
    if images.shape[1] == 1:
        return images.int()
    red, green, blue = images.int().chunk(3, dim=1)
    return (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16


def _blend(plain: Tensor, images: ImageBatch, values: Float[Tensor, " batch"]) -> Bytes:
    blended = (images - plain).mul_(per_image(values, images)).add_(plain)
    return blended.clamp_(0, 255).to(torch.uint8)
