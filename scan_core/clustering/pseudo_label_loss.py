"""Compute the self-labeling loss (SCAN, section 2.3): cross-entropy with confident images' own clusters."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from scan_core.parallel.distributed import total


class PseudoLabelLoss(NamedTuple):
    """The loss in nats (0 if no image is confident), and the number of confident images of each cluster."""

    loss: Float[Tensor, ""]
    counts: Float[Tensor, " clusters"]


def pseudo_label_loss(
    logits: Float[Tensor, "batch clusters"],
    augmented_logits: Float[Tensor, "batch clusters"],
    *,
    threshold: float,
    class_balance: bool,
) -> PseudoLabelLoss:
    """Return the cross-entropy of ``augmented_logits`` with the most probable cluster of ``logits``.

    The mean is over images whose highest probability exceeds ``threshold``. With ``class_balance``, it is weighted by
    the inverse frequency of an image's cluster among them. The batch is that of all processes together.
    """
    confidence, cluster = logits.detach().float().softmax(-1).max(-1)
    weight = (confidence > threshold).float()
    counts = total(torch.zeros(logits.shape[1], device=logits.device).index_add_(0, cluster, weight))
    weights = counts.sum()
    if class_balance:
        weight = weight / counts[cluster].clamp(min=1)
        weights = (counts > 0).sum()
    loss = F.cross_entropy(augmented_logits.float(), cluster, reduction="none")
    return PseudoLabelLoss(total((loss * weight).sum()) / weights.clamp(min=1), counts)
