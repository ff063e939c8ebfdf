"""Sample and batch entropy, without neighbors: confident predictions, equally used clusters (SCAN, Table 1)."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from scan_core.clustering.objective import Objective
from scan_core.clustering.prior import shares
from scan_core.clustering.scan_loss import ScanLoss, combine
from scan_core.parallel.distributed import average, log_total, processes


def entropy_loss(
    logits: Float[Tensor, "*heads batch clusters"],
    neighbor_logits: Float[Tensor, "*heads batch clusters"],
    *,
    entropy_weight: float,
    prior: Float[Tensor, " clusters"] | None,
) -> ScanLoss:
    """Return the mean entropy of the predictions (as ``consistency``) and the entropy of their mean.

    Both are log C if all predictions are uniform. The batch is that of all processes together.

    Args:
        neighbor_logits: not used.
    """
    log_p = logits.float().log_softmax(-1)
    sample_entropy = average(-(log_p.exp() * log_p).sum(-1).mean(-1))
    log_mean = log_total(log_p.logsumexp(-2)) - math.log(log_p.shape[-2] * processes())
    return combine(sample_entropy, log_mean, entropy_weight=entropy_weight, prior=prior)


@torch.no_grad()
def entropy_selection(
    logits: Float[Tensor, "images clusters"],
    neighbor_rows: Int64[Tensor, "images neighbors"],
    *,
    entropy_weight: float,
    prior: Float[Tensor, " clusters"] | None,
) -> ScanLoss:
    """Return the same loss over all images, for one head; each process has all ``logits``.

    Args:
        neighbor_rows: not used.
    """
    log_p = logits.log_softmax(-1)
    log_mean = log_p.logsumexp(0) - math.log(len(log_p))
    sample_entropy = -(log_p.exp() * log_p).sum(-1).mean()
    return combine(sample_entropy, log_mean, entropy_weight=entropy_weight, prior=prior)


def entropy_objective(
    *, entropy_weight: float, prior: Sequence[float] | None = None, device: torch.device | None = None
) -> Objective:
    """Return the objective "sample + batch entropy" of SCAN's Table 1; arguments as in :func:`scan_objective`."""
    settings: dict[str, Any] = {"entropy_weight": entropy_weight, "prior": shares(prior, device)}
    return Objective(loss=partial(entropy_loss, **settings), selection=partial(entropy_selection, **settings))
