"""The strong augmentation's list of 14 operations (SCAN, section 3.1, after RandAugment's), on bytes as in PIL."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from scan_core.augment import pil_blend, pil_levels, pil_warp
from scan_core.augment.draws import integers, uniform
from scan_core.augment.grouped import apply_operations
from scan_core.augment.pixels import Bytes, Images, to_bytes, to_unit


class StrongOperation(NamedTuple):
    function: Callable[[Bytes, Float[Tensor, " batch"]], Bytes]
    low: float
    """Smallest value drawn."""
    high: float
    """Largest value drawn."""


def identity(images: Bytes, values: Float[Tensor, " batch"]) -> Bytes:
    """Return the images; ``values`` are unused."""
    return images


STRONG_OPERATIONS = {
    "identity": StrongOperation(identity, 0.0, 0.0),
    "autocontrast": StrongOperation(pil_levels.autocontrast, 0.0, 0.0),
    "equalize": StrongOperation(pil_levels.equalize, 0.0, 0.0),
    "rotate": StrongOperation(pil_warp.rotate, -30.0, 30.0),
    "solarize": StrongOperation(pil_levels.solarize, 0.0, 256.0),
    "color": StrongOperation(pil_blend.color, 0.05, 0.95),
    "contrast": StrongOperation(pil_blend.contrast, 0.05, 0.95),
    "brightness": StrongOperation(pil_blend.brightness, 0.05, 0.95),
    "sharpness": StrongOperation(pil_blend.sharpness, 0.05, 0.95),
    "shear_x": StrongOperation(pil_warp.shear_x, -0.1, 0.1),
    "shear_y": StrongOperation(pil_warp.shear_y, -0.1, 0.1),
    "translate_x": StrongOperation(pil_warp.translate_x, -0.1, 0.1),
    "translate_y": StrongOperation(pil_warp.translate_y, -0.1, 0.1),
    "posterize": StrongOperation(pil_levels.posterize, 4.0, 8.0),
}


class StrongParameters(NamedTuple):
    ids: Int[Tensor, "batch count"]
    """Places in ``STRONG_OPERATIONS``, in order of application."""
    values: Float[Tensor, "batch count"]


def draw_strong(batch: int, *, count: int, generator: torch.Generator) -> StrongParameters:
    """Draw ``count`` operations per image, with replacement, each with a value uniform in its range."""
    ids = integers(batch, count, low=0, high=len(STRONG_OPERATIONS), generator=generator)
    ranges = [(operation.low, operation.high) for operation in STRONG_OPERATIONS.values()]
    low, high = torch.tensor(ranges, dtype=torch.float32, device=generator.device)[ids].unbind(2)
    shares = uniform(batch, count, low=0.0, high=1.0, generator=generator)
    return StrongParameters(ids=ids, values=low + (high - low) * shares)


def strong_operations(images: Images, *, count: int, generator: torch.Generator) -> Images:
    """Apply ``count`` operations drawn for each image; see :func:`draw_strong`."""
    parameters = draw_strong(len(images), count=count, generator=generator)
    functions = [operation.function for operation in STRONG_OPERATIONS.values()]
    return to_unit(apply_operations(to_bytes(images), parameters.ids, parameters.values, functions))
