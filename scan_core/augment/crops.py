"""Random crops: crops of random size and shape, resized; and crops of the image's size from the padded image."""

import math
from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from scan_core.augment.draws import integers, uniform
from scan_core.augment.grouped import Batch
from scan_core.augment.operation import Operation
from scan_core.augment.pixels import ImageBatch, Resized

_TRIES = 10


def draw_boxes(
    batch: int,
    height: int,
    width: int,
    *,
    scale: Sequence[float],
    ratio: Sequence[float],
    generator: torch.Generator,
) -> Int[Tensor, "batch 4"]:
    """Draw one crop (top, left, height, width) per image, in whole pixels, distributed as torchvision's.

    The area is uniform in ``scale`` (shares of the image's area), the ratio of width to height log-uniform in
    ``ratio``. Of ten tries, the first that fits is taken; if none fits, the largest central crop with a ratio in range.
    """
    draw = partial(uniform, _TRIES, batch, generator=generator, batch_axis=1)
    areas = height * width * draw(low=scale[0], high=scale[1])
    ratios = draw(low=math.log(ratio[0]), high=math.log(ratio[1])).exp_()
    sizes = torch.stack([(areas / ratios).sqrt().round(), (areas * ratios).sqrt().round()], -1).long()
    limits = torch.tensor([height, width], device=sizes.device)
    fits = ((sizes > 0) & (sizes <= limits)).all(-1)
    first = fits.int().argmax(0)
    sizes = sizes[first, torch.arange(batch, device=sizes.device)]
    places = uniform(batch, 2, low=0.0, high=1.0, generator=generator)
    corners = (places * (limits - sizes + 1)).long()
    fallback = torch.tensor(_central_box(height, width, ratio), device=sizes.device)
    return torch.where(fits.any(0)[:, None], torch.cat([corners, sizes], 1), fallback)


def _central_box(height: int, width: int, ratio: Sequence[float]) -> tuple[int, int, int, int]:
    box_width = min(width, round(height * ratio[1]))
    box_height = min(height, round(width / ratio[0]))
    return (height - box_height) // 2, (width - box_width) // 2, box_height, box_width


def resized_crop(
    images: ImageBatch,
    boxes: Int[Tensor, "batch 4"],
    flipped: Bool[Tensor, " batch"] | None = None,
    *,
    size: int | None = None,
) -> Resized:
    """Crop each image's box (top, left, height, width) and resize it: bilinear, without antialiasing.

    The crops of the ``flipped`` images are mirrored left-right in the same pass.

    Args:
        size: pixels per side of the result; None for the image's own size.
    """
    height, width = images.shape[-2:]
    new_height, new_width = (size, size) if size else (height, width)
    top, left, box_height, box_width = boxes.int().to(images.device, non_blocking=True).unbind(1)
    rows = _source_positions(top, box_height, new_height) * (2 / height) - 1
    columns = _source_positions(left, box_width, new_width) * (2 / width) - 1
    if flipped is not None:
        columns = torch.where(flipped.to(images.device, non_blocking=True)[:, None], columns.flip(1), columns)
    shape = (len(images), new_height, new_width)
    grid = torch.stack([columns[:, None, :].expand(shape), rows[:, :, None].expand(shape)], -1)
    return F.grid_sample(images, grid, mode="bilinear", align_corners=False)


def _source_positions(
    start: Int[Tensor, " batch"], length: Int[Tensor, " batch"], size: int
) -> Float[Tensor, "batch {size}"]:
    """Return the position from which each of ``size`` pixels is read, in pixels from the image's edge."""
    centers = torch.arange(size, device=start.device) + 0.5
    positions = centers * (length / size)[:, None]
    # Clamped to the outermost pixel centers of the box, so that no pixel outside the box has an effect.
    positions = torch.minimum(positions.clamp_(min=0.5), length[:, None] - 0.5)
    return positions + start[:, None]


def random_resized_crop(*, scale: Sequence[float], ratio: Sequence[float], size: int | None = None) -> Operation:
    """Crop each image at random and resize the crop; see :func:`draw_boxes`.

    Args:
        size: pixels per side of the result; None for the image's own size.
    """
    return Operation(
        lambda shape, generator: (draw_boxes(*shape, scale=scale, ratio=ratio, generator=generator),),
        partial(resized_crop, size=size),
        size=size,
    )


def draw_offsets(
    batch: int, height: int, width: int, *, padding: int, generator: torch.Generator
) -> Int[Tensor, "batch 2"]:
    """Draw the (row, column) offset of each image for :func:`padded_crop`.

    Raises:
        ValueError: the padding is not smaller than the image.
    """
    smallest = min(height, width)
    if padding >= smallest:
        raise ValueError(f"random_crop: padding is {padding}, expected less than the image's {smallest} pixels")
    return integers(batch, 2, low=0, high=2 * padding + 1, generator=generator)


def padded_crop(
    images: Batch, offsets: Int[Tensor, "batch 2"], flipped: Bool[Tensor, " batch"] | None = None, *, padding: int
) -> Batch:
    """Add ``padding`` pixels of reflected border and crop back to size at each image's (row, column) offset.

    ``offsets`` go from 0 to ``2 * padding``; ``padding`` must be smaller than the image. The ``flipped`` images are
    mirrored left-right first, in the same pass.
    """
    height, width = images.shape[-2:]
    offsets = offsets.to(images.device, non_blocking=True) - padding
    rows = _reflect(offsets[:, :1] + torch.arange(height, device=images.device), height)
    columns = _reflect(offsets[:, 1:] + torch.arange(width, device=images.device), width)
    if flipped is not None:
        columns = torch.where(flipped.to(images.device, non_blocking=True)[:, None], width - 1 - columns, columns)
    pixels = (rows[:, :, None] * width + columns[:, None, :]).flatten(1)[:, None]
    return images.flatten(2).gather(2, pixels.expand(-1, images.shape[1], -1)).view_as(images)


def _reflect(positions: Int[Tensor, "batch size"], size: int) -> Int[Tensor, "batch size"]:
    return (size - 1) - ((size - 1) - positions.abs()).abs()


def random_crop(*, padding: int) -> Operation:
    """Shift each image by up to ``padding`` pixels along each axis, and fill the border with its reflection."""
    return Operation(
        lambda shape, generator: (draw_offsets(*shape, padding=padding, generator=generator),),
        partial(padded_crop, padding=padding),
    )
