"""Yield the augmented batches of an epoch."""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from scan_core.augment.pipeline import Augmentation
from scan_core.images.images import Images

STEPS_AT_ONCE = {"cuda": 4}
"""Number of batches that one call augments, by device type; 1 for other devices. Augmentation consists of hundreds of
small operations, which a GPU finishes faster than the host can launch them. Parameters are drawn batch by batch."""
LARGEST = 256 * 2**20
"""Largest size in bytes of the views that one call augments, if it augments several batches."""


def augmented_batches(
    images: Images,
    image_ids: Int64[Tensor, "steps batch"],
    augmentation: Augmentation,
    generator: torch.Generator,
    *,
    views: int = 1,
) -> Iterator[
    tuple[UInt8[Tensor, "batch channels height width"], Float[Tensor, "augmented channels new_height new_width"]]
]:
    """Yield, for each step, the plain images and ``views`` augmented views of them, one view after the other."""
    batch_bytes = 4 * views * image_ids.shape[1] * images.channels * images.size**2
    at_once = max(1, min(STEPS_AT_ONCE.get(images.device.type, 1), LARGEST // batch_bytes))
    several = torch.split(image_ids, at_once)
    for steps, pixels in zip(several, images.batches([ids.flatten() for ids in several]), strict=True):
        plain = pixels.chunk(len(steps))
        shape = (views * steps.shape[1], *pixels.shape[2:])
        drawn = [augmentation.draw(shape, generator) for _ in steps]
        augmented = augmentation.apply(torch.cat([batch for batch in plain for _ in range(views)]), drawn)
        yield from zip(plain, augmented.chunk(len(steps)), strict=True)
