"""One operation of the augmentation, applied to a batch by what it draws."""

import torch
from torch import Tensor

from scan_core.augment.operation import Operation


def at_random(operation: Operation, images: Tensor, generator: torch.Generator) -> Tensor:
    return operation.apply(images, *operation.draw((len(images), *images.shape[2:]), generator))
