"""The loss that chooses the best epoch and head: on the training images without augmentation, without labels."""

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from scan_core.clustering.neighbor_consistency import neighbor_consistency
from scan_core.clustering.scan_loss import ScanLoss, combine
from scan_core.errors import TrainingError


@torch.no_grad()
def selection_loss(
    logits: Float[Tensor, "images clusters"],
    neighbor_rows: Int64[Tensor, "images neighbors"],
    *,
    entropy_weight: float,
    prior: Float[Tensor, " clusters"] | None,
) -> ScanLoss:
    """Return Eq. (2) of SCAN over all images and all their neighbors, for one head.

    Args:
        neighbor_rows: rows of ``logits``; without a column (K = 0), each image is paired with itself.
    """
    log_p = logits.log_softmax(-1)
    log_mean = log_p.logsumexp(0) - math.log(len(log_p))
    consistency = neighbor_consistency(log_p, neighbor_rows)
    return combine(consistency, log_mean, entropy_weight=entropy_weight, prior=prior)


def best_head(losses: Float[Tensor, " heads"], *, learning_rate: float) -> int:
    """Return the head with the lowest loss.

    Raises:
        TrainingError: a loss is not finite.
    """
    if not losses.isfinite().all():
        raise TrainingError(
            "the loss on the training images is not finite after this epoch (learning rate "
            f"{learning_rate:.3g}); lower learning_rate or use precision: float32"
        )
    return int(losses.argmin())
