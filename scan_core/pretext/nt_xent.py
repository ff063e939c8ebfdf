"""The contrastive loss of SimCLR (Chen et al., 2020, Eq. 1)."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


class NtXent(NamedTuple):
    """Scalars: ``loss`` in nats, and ``accuracy``, the share of views whose nearest other view is their pair."""

    loss: Float[Tensor, ""]
    accuracy: Float[Tensor, ""]


def nt_xent(
    first: Float[Tensor, "batch dimensions"], second: Float[Tensor, "batch dimensions"], *, temperature: float
) -> NtXent:
    """Normalized temperature-scaled cross-entropy between two views of each image, symmetric.

    Each of the 2 x batch views is to be told apart from all others except its pair: 2 x batch - 2 negatives.

    Args:
        first, second: projections of any length; they are L2-normalized here, in float32.
        temperature: above 0.
    """
    views = F.normalize(torch.cat([first, second]).float(), dim=1)
    similarity = views @ views.T / temperature
    similarity = similarity.masked_fill(torch.eye(len(views), dtype=torch.bool, device=views.device), -torch.inf)
    pair = torch.arange(len(views), device=views.device).roll(len(first))
    accuracy = (similarity.argmax(dim=1) == pair).float().mean()
    return NtXent(F.cross_entropy(similarity, pair), accuracy)
