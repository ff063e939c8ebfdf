"""Mirror images left-right."""

from jaxtyping import Bool
from torch import Tensor

from scan_core.augment.draws import chances
from scan_core.augment.grouped import Batch, apply_to_some
from scan_core.augment.operation import Operation


def horizontal_flip(images: Batch, flipped: Bool[Tensor, " batch"]) -> Batch:
    """Mirror the ``flipped`` images left-right."""
    return apply_to_some(images, flipped, lambda chosen: chosen.flip(-1))


def random_horizontal_flip(*, p: float) -> Operation:
    """Mirror each image left-right, independently, with probability ``p``."""
    return Operation(lambda shape, generator: (chances(shape[0], p=p, generator=generator),), horizontal_flip)
