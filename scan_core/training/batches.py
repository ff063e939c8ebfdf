"""Choose which images each step sees."""

import torch
from jaxtyping import Int64
from torch import Tensor

from scan_core.errors import TrainingError


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Return the number of full batches in ``count`` images; the incomplete last one is dropped.

    Raises:
        TrainingError: there is no full batch.
    """
    if count < batch_size:
        raise TrainingError(
            f"{count} training images do not fill a batch of {batch_size}; lower batch_size to {count} or less"
        )
    return count // batch_size


def shuffled_batches(count: int, batch_size: int, generator: torch.Generator) -> Int64[Tensor, "steps batch"]:
    """Draw one epoch: each row of ``range(count)`` at most once, in random order, in full batches.

    All batches are drawn at once, so that images can be read ahead.
    """
    steps = steps_per_epoch(count, batch_size)
    return torch.randperm(count, generator=generator)[: steps * batch_size].view(steps, batch_size)
