"""The contrastive loss of SimCLR (Chen et al., 2020, Eq. 1)."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from scan_core.parallel.distributed import average, gather, rows_of_part


class NtXent(NamedTuple):
    """Scalars: ``loss`` in nats, and ``accuracy``, the share of this process's views whose nearest other
    view is of the same image."""

    loss: Float[Tensor, ""]
    accuracy: Float[Tensor, ""]


def chance_loss(batch_size: int) -> float:
    """Return the loss, in nats, of projections without information, when all 2 x batch - 1 other views are equal."""
    return math.log(2 * batch_size - 1)


def nt_xent(
    first: Float[Tensor, "batch dimensions"], second: Float[Tensor, "batch dimensions"], *, temperature: float
) -> NtXent:
    """Normalized temperature-scaled cross-entropy between two views of each image, symmetric.

    Each of the 2 x batch views is an anchor. Its positive is the other view of its image; the 2 x batch - 2 views of
    other images, those of other processes included, are its negatives.

    Args:
        first, second: projections of any length; they are L2-normalized here, in float32.
        temperature: above 0.
    """
    views = F.normalize(torch.cat([first, second]).float(), dim=1)
    everyone = gather(views, groups=2)
    rows = torch.arange(len(everyone), device=views.device)
    own = rows_of_part(len(everyone), groups=2, device=views.device)
    similarity = (views @ everyone.T / temperature).masked_fill(own[:, None] == rows, -torch.inf)
    pair = (own + len(everyone) // 2) % len(everyone)
    accuracy = (similarity.argmax(dim=1) == pair).float().mean()
    return NtXent(average(F.cross_entropy(similarity, pair)), accuracy)
