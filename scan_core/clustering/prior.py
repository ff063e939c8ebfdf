"""Known shares of the clusters."""

from collections.abc import Sequence

import torch
from jaxtyping import Float32
from torch import Tensor

SMALLEST = 1e-30
"""Of a share: its logarithm is finite in float32."""


def shares(prior: Sequence[float] | None, device: torch.device | None) -> Float32[Tensor, " clusters"] | None:
    """Return ``prior`` scaled to a sum of 1, on ``device``, each share at least ``SMALLEST``; None stays None."""
    if prior is None:
        return None
    given = torch.tensor(prior, dtype=torch.float64)
    scaled = given / given.max()  # first, so that the sum is finite
    return (scaled / scaled.sum()).clamp(min=SMALLEST).float().to(device)
