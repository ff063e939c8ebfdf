"""Map pixel values to other values, byte for byte as PIL's ImageOps."""

from functools import cache

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from scan_core.augment.grouped import per_image
from scan_core.augment.pixels import Bytes


def posterize(images: Bytes, values: Float[Tensor, " batch"]) -> Bytes:
    """Keep the highest bits of each pixel: the integer part of the value, 1 to 8."""
    bits = per_image(values, images).int()
    return images & ((255 << (8 - bits)) & 255).to(torch.uint8)


def solarize(images: Bytes, values: Float[Tensor, " batch"]) -> Bytes:
    """Invert the pixels at or above the value, 0 to 256."""
    inverted = images >= per_image(values, images)
    return images ^ inverted.to(torch.uint8).mul_(255)


def autocontrast(images: Bytes, values: Float[Tensor, " batch"]) -> Bytes:
    """Stretch each channel to span 0 to 255; ``values`` are unused."""
    darkest, brightest = images.amin((2, 3)).int(), images.amax((2, 3)).int()
    return _map_levels(images, _stretches(images.device)[darkest, brightest])


@cache
def _stretches(device: torch.device) -> UInt8[Tensor, "256 256 256"]:
    """Return the new level for every (darkest, brightest, level).

    PIL truncates a product of doubles. Since some devices lack doubles, the CPU computes this table once (16 MiB).
    """
    return torch.cat([_stretches_from(darkest) for darkest in torch.arange(256).chunk(16)]).to(device)


def _stretches_from(darkest: Int[Tensor, " some"]) -> UInt8[Tensor, "some 256 256"]:
    levels = torch.arange(256, dtype=torch.float64)
    widths = levels[:, None] - darkest[:, None, None]
    # Not 255 / widths: torch computes 255 * (1 / widths), which rounds twice.
    scales = torch.full_like(widths, 255).div_(widths)
    stretched = (levels * scales).sub_(darkest[:, None, None] * scales).clamp_(0, 255)
    return torch.where(widths > 0, stretched, levels).to(torch.uint8)


def equalize(images: Bytes, values: Float[Tensor, " batch"]) -> Bytes:
    """Spread each channel's pixels evenly over the levels; ``values`` are unused."""
    pixels = images.flatten(2).long()
    histograms = torch.zeros(*pixels.shape[:2], 256, dtype=torch.int64, device=images.device)
    histograms.scatter_add_(2, pixels, torch.ones_like(pixels))
    below = histograms.cumsum(2) - histograms
    steps = below.gather(2, pixels.amax(2, keepdim=True)) // 255
    spread = (below + steps // 2) // steps.clamp(min=1)
    levels = torch.where(steps > 0, spread.clamp_(max=255), torch.arange(256, device=images.device))
    return _map_levels(images, levels.to(torch.uint8))


def _map_levels(images: Bytes, levels: UInt8[Tensor, "batch channels 256"]) -> Bytes:
    return levels.gather(2, images.flatten(2).long()).view_as(images)
