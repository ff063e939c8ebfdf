"""The 14 operations of the strong augmentation (SCAN; from RandAugment), on bytes as in PIL."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from scan_core.augment import pil_blend, pil_levels, pil_warp
from scan_core.augment.draws import integers, uniform
from scan_core.augment.grouped import apply_operations
from scan_core.augment.operation import Operation
from scan_core.augment.pixels import Bytes, ImageBatch, to_bytes, to_unit


class StrongOperation(NamedTuple):
    function: Callable[..., Tensor]
    """Of images and values, the changed images; of values, height and width, a warp's coefficients."""
    low: float
    """Smallest value drawn."""
    high: float
    """Largest value drawn."""
    is_warp: bool = False
    """Warps differ only in their coefficients; one pass transforms the images of all of them."""


def identity(images: Bytes, values: Float[Tensor, " batch"]) -> Bytes:
    """Return the images; ``values`` are unused."""
    return images


STRONG_OPERATIONS = {
    "identity": StrongOperation(identity, 0.0, 0.0),
    "autocontrast": StrongOperation(pil_levels.autocontrast, 0.0, 0.0),
    "equalize": StrongOperation(pil_levels.equalize, 0.0, 0.0),
    "rotate": StrongOperation(pil_warp.rotate, -30.0, 30.0, is_warp=True),
    "solarize": StrongOperation(pil_levels.solarize, 0.0, 256.0),
    "color": StrongOperation(pil_blend.color, 0.05, 0.95),
    "contrast": StrongOperation(pil_blend.contrast, 0.05, 0.95),
    "brightness": StrongOperation(pil_blend.brightness, 0.05, 0.95),
    "sharpness": StrongOperation(pil_blend.sharpness, 0.05, 0.95),
    "shear_x": StrongOperation(pil_warp.shear_x, -0.1, 0.1, is_warp=True),
    "shear_y": StrongOperation(pil_warp.shear_y, -0.1, 0.1, is_warp=True),
    "translate_x": StrongOperation(pil_warp.translate_x, -0.1, 0.1, is_warp=True),
    "translate_y": StrongOperation(pil_warp.translate_y, -0.1, 0.1, is_warp=True),
    "posterize": StrongOperation(pil_levels.posterize, 4.0, 8.0),
}


class StrongParameters(NamedTuple):
    ids: Int[Tensor, "batch count"]
    """Indices into ``STRONG_OPERATIONS``, in order of application."""
    values: Float[Tensor, "batch count"]


def draw_strong(batch: int, *, count: int, generator: torch.Generator) -> StrongParameters:
    """Draw ``count`` operations per image, with replacement, each with a value uniform in its range."""
    ids = integers(batch, count, low=0, high=len(STRONG_OPERATIONS), generator=generator)
    ranges = [(operation.low, operation.high) for operation in STRONG_OPERATIONS.values()]
    low, high = torch.tensor(ranges, dtype=torch.float32, device=generator.device)[ids].unbind(2)
    shares = uniform(batch, count, low=0.0, high=1.0, generator=generator)
    return StrongParameters(ids=ids, values=low + (high - low) * shares)


_ANY_WARP = list(STRONG_OPERATIONS).index("rotate")
_GROUPS = torch.tensor(
    [_ANY_WARP if operation.is_warp else place for place, operation in enumerate(STRONG_OPERATIONS.values())]
)


def strong_operations(*, count: int) -> Operation:
    """Apply ``count`` operations drawn for each image; see :func:`draw_strong`."""
    return Operation(
        lambda shape, generator: draw_strong(shape[0], count=count, generator=generator),
        lambda images, *drawn: _apply(images, StrongParameters(*drawn)),
    )


def _apply(images: ImageBatch | Bytes, parameters: StrongParameters) -> ImageBatch:
    pixels = images if images.dtype == torch.uint8 else to_bytes(images)
    settings = torch.cat([parameters.values[..., None], _coefficients(parameters, *images.shape[2:])], -1)
    groups = _GROUPS.to(parameters.ids.device)[parameters.ids]
    operations = [_on_settings(operation) for operation in STRONG_OPERATIONS.values()]
    return to_unit(apply_operations(pixels, groups, settings, operations))


def _coefficients(parameters: StrongParameters, height: int, width: int) -> Float[Tensor, "batch count 6"]:
    """Return the coefficients of each drawn warp, and zeros for other operations."""
    result = torch.zeros(*parameters.ids.shape, 6, dtype=torch.float64, device=parameters.ids.device)
    for place, operation in enumerate(STRONG_OPERATIONS.values()):
        if operation.is_warp:
            drawn = (parameters.ids == place)[..., None]
            result = torch.where(drawn, operation.function(parameters.values, height, width), result)
    return result


def _on_settings(operation: StrongOperation) -> Callable[[Bytes, Float[Tensor, "batch 7"]], Bytes]:
    """Return the operation as a function of the images and their settings (its value, and a warp's six
    coefficients)."""
    if operation.is_warp:
        return lambda images, settings: pil_warp.warp(images, settings[:, 1:])
    return lambda images, settings: operation.function(images, settings[:, 0].float())
