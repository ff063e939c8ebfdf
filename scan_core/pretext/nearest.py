"""How often an image's other view is the nearest one: what tells that a task without negatives learns images apart."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def hardly(batch_size: int) -> float:
    """Return twice the share of nearest ones that a model without information has by chance."""
    return 2 / batch_size


def share_of_nearest(
    queries: Float[Tensor, "batch dimensions"], keys: Float[Tensor, "batch dimensions"]
) -> Float[Tensor, ""]:
    """Return the share, in [0, 1], of queries that are more similar (cosine) to their own key than to any other."""
    similarity = F.normalize(queries, dim=1) @ F.normalize(keys, dim=1).T
    own = similarity.diagonal()
    others = similarity - 3 * torch.eye(len(own), device=own.device)
    return (own > others.amax(dim=1)).float().mean()
