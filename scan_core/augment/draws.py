"""Random parameters, drawn on the generator's device so that they are the same whatever device holds the images."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def uniform(*shape: int, low: float, high: float, generator: torch.Generator) -> Float[Tensor, "..."]:
    """Draw float32 numbers from [low, high)."""
    return torch.rand(shape, generator=generator, device=generator.device).mul_(high - low).add_(low)


def chances(batch: int, *, p: float, generator: torch.Generator) -> Bool[Tensor, " batch"]:
    """Draw one true or false per image, true with probability ``p``."""
    return torch.rand(batch, generator=generator, device=generator.device) < p
