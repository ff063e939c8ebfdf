"""Known shares of the clusters."""

from collections.abc import Sequence

import torch
from jaxtyping import Float32
from torch import Tensor


def shares(prior: Sequence[float] | None, device: torch.device | None) -> Float32[Tensor, " clusters"] | None:
    """Return ``prior`` scaled to a sum of 1, on ``device``; None stays None."""
    if prior is None:
        return None
    given = torch.tensor(prior, dtype=torch.float32, device=device)
    return given / given.sum()
