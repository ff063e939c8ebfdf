"""Color jitter and grayscale on floats in [0, 1], computed as in torchvision.

If ``out`` is given, an adjustment writes its result there; it may be the images themselves.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from scan_core.augment.draws import chances, uniform
from scan_core.augment.grouped import apply_operations, apply_to_some, per_image
from scan_core.augment.operation import Operation
from scan_core.augment.pixels import ImageBatch

_NO_CHROMA = 1e-30
"""Divisor for gray pixels, which have no hue, to avoid 0 / 0."""


def adjust_brightness(
    images: ImageBatch, factors: Float[Tensor, " batch"], *, out: ImageBatch | None = None
) -> ImageBatch:
    """Multiply each image by its factor; 0 is black, 1 changes nothing."""
    return torch.mul(images, per_image(factors, images), out=out).clamp_(0, 1)


def adjust_contrast(
    images: ImageBatch, factors: Float[Tensor, " batch"], *, out: ImageBatch | None = None
) -> ImageBatch:
    """Move each image away from the mean of its gray version; 0 is uniform gray, 1 changes nothing."""
    return _blend(gray(images).mean((1, 2, 3), keepdim=True), images, factors, out)


def adjust_saturation(
    images: ImageBatch, factors: Float[Tensor, " batch"], *, out: ImageBatch | None = None
) -> ImageBatch:
    """Move each image away from its gray version; 0 is gray, 1 changes nothing. One channel stays as it is."""
    return images if images.shape[1] == 1 else _blend(gray(images), images, factors, out)


def adjust_hue(images: ImageBatch, turns: Float[Tensor, " batch"], *, out: ImageBatch | None = None) -> ImageBatch:
    """Rotate each image's hue in HSV space by -0.5 to 0.5 turns. One channel stays as it is.

    The hue counts sixths of a turn: 0 is red, 2 green, 4 blue. Factors of 0 and 1 select the cases, which on CPUs is
    several times faster than ``torch.where``.
    """
    if images.shape[1] == 1:
        return images
    red, green, blue = images.unbind(1)
    high = torch.maximum(torch.maximum(red, green), blue)
    low = torch.minimum(torch.minimum(red, green), blue)
    chroma = high - low
    not_red, not_green = (high - red).sign_(), (high - green).sign_()
    from_green_or_blue = (blue - red).mul_(1 - not_green).add_((red - green).mul_(not_green))
    difference = (green - blue).mul_(1 - not_red).add_(from_green_or_blue.mul_(not_red))
    corner = not_green.add_(1).mul_(2).mul_(not_red)
    hue = difference.div_(chroma.clamp(min=_NO_CHROMA)).add_(corner).add_(6 * per_image(turns, images)[:, 0])
    hue.sub_((hue / 6).floor_().mul_(6))
    shares = [(hue - 3).abs_().sub_(1), (hue - 2).abs_().neg_().add_(2), (hue - 4).abs_().neg_().add_(2)]
    return torch.stack(shares, 1, out=out).clamp_(0, 1).mul_(chroma[:, None]).add_(low[:, None])


def gray(images: ImageBatch) -> Float[Tensor, "batch 1 height width"]:
    """Return the luma of ITU-R 601 (0.2989, 0.587, 0.114), or the only channel."""
    if images.shape[1] == 1:
        return images
    red, green, blue = images.chunk(3, dim=1)
    return (0.2989 * red).add_(green, alpha=0.587).add_(blue, alpha=0.114)


def _blend(start: Tensor, end: ImageBatch, factors: Float[Tensor, " batch"], out: ImageBatch | None) -> ImageBatch:
    return torch.lerp(start, end, per_image(factors, end), out=out).clamp_(0, 1)


_JITTERS = (adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue)
_UNCHANGED = len(_JITTERS)


class JitterParameters(NamedTuple):
    ids: Int[Tensor, "batch 4"]
    """The operations in order of application: 0 brightness, 1 contrast, 2 saturation, 3 hue, 4 none."""
    values: Float[Tensor, "batch 4"]
    """The factor (for hue, the turns) of the operation at the same place in ``ids``."""


def draw_jitter(
    batch: int,
    *,
    brightness: float,
    contrast: float,
    saturation: float,
    hue: float,
    p: float,
    generator: torch.Generator,
) -> JitterParameters:
    """Draw for each image whether it is jittered (with probability ``p``), the order of the four operations, and their
    strengths.

    Factors are uniform in [max(0, 1 - x), 1 + x], turns of hue in [-hue, hue], as in torchvision's ColorJitter.
    """
    factors = [
        uniform(batch, low=max(0.0, 1 - strength), high=1 + strength, generator=generator)
        for strength in (brightness, contrast, saturation)
    ]
    turns = uniform(batch, low=-hue, high=hue, generator=generator)
    order = uniform(batch, 4, low=0.0, high=1.0, generator=generator).argsort(1)
    applied = chances(batch, p=p, generator=generator)
    values = torch.stack([*factors, turns], 1).gather(1, order)
    return JitterParameters(ids=torch.where(applied[:, None], order, _UNCHANGED), values=values)


def color_jitter(*, brightness: float, contrast: float, saturation: float, hue: float, p: float) -> Operation:
    """Change brightness, contrast, saturation and hue in an order drawn for each image; see :func:`draw_jitter`."""
    settings = {"brightness": brightness, "contrast": contrast, "saturation": saturation, "hue": hue, "p": p}
    in_place = [_overwriting(adjust) for adjust in _JITTERS]
    return Operation(
        lambda shape, generator: draw_jitter(shape[0], **settings, generator=generator),
        partial(apply_operations, operations=[*in_place, None]),
    )


def _overwriting(adjust: Callable[..., ImageBatch]) -> Callable[[ImageBatch, Tensor], ImageBatch]:
    return lambda images, values: adjust(images, values, out=images)


def random_grayscale(*, p: float) -> Operation:
    """Replace each image's channels by its luma, independently, with probability ``p``."""
    return Operation(
        lambda shape, generator: (chances(shape[0], p=p, generator=generator),),
        partial(apply_to_some, operation=lambda colored: gray(colored).expand_as(colored)),
    )
