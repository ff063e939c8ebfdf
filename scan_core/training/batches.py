"""Which images each step sees."""

import torch
from jaxtyping import Int64
from torch import Tensor

from scan_core.errors import TrainingError


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Full batches in ``count`` images; the incomplete last one is dropped.

    Raises:
        TrainingError: not even one.
    """
    if count < batch_size:
        raise TrainingError(
            f"{count} training images do not fill a batch of {batch_size}; lower batch_size to {count} or less in this "
            "step's section of params.yaml (python -m stages.plan looks at all of them)"
        )
    return count // batch_size


def shuffled_batches(count: int, batch_size: int, generator: torch.Generator) -> Int64[Tensor, "steps batch"]:
    """One epoch: every row of ``range(count)`` at most once, in a fresh random order, in full batches.

    The whole epoch is drawn at once, so that images can be read ahead.
    """
    steps = steps_per_epoch(count, batch_size)
    return torch.randperm(count, generator=generator)[: steps * batch_size].view(steps, batch_size)
