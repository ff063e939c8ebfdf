"""How often the nearest view is the same image's: for tasks without negatives, whose loss does not show a collapse."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def near_chance(batch_size: int) -> float:
    """Return twice the :func:`share_of_nearest` that a model without information has by chance, or halfway from that to
    1 if this is less."""
    return min(2 / batch_size, (1 + 1 / batch_size) / 2)


def share_of_nearest(
    queries: Float[Tensor, "batch dimensions"], keys: Float[Tensor, "batch dimensions"]
) -> Float[Tensor, ""]:
    """Return the share, in [0, 1], of queries that are more similar (cosine) to their own key than to any other."""
    similarity = F.normalize(queries, dim=1) @ F.normalize(keys, dim=1).T
    own = similarity.diagonal()
    others = similarity - 3 * torch.eye(len(own), device=own.device)
    return (own > others.amax(dim=1)).float().mean()
