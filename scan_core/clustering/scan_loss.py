"""Compute the semantic clustering loss (SCAN, section 2.2, Eq. 2) in the log domain, in float32."""

import math
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from scan_core.parallel.distributed import average, log_total, processes


class ScanLoss(NamedTuple):
    """The loss and its two terms in nats, one value for each head."""

    total: Float[Tensor, "*heads"]
    """The loss that is minimized."""
    consistency: Float[Tensor, "*heads"]
    """Mean of -log <p(x), p(neighbor)>, at least 0; 0 is perfect agreement."""
    entropy: Float[Tensor, "*heads"]
    """Entropy of the mean prediction, in [0, log C]: log C if all clusters are used equally, 0 if only one is."""


def scan_loss(
    anchor_logits: Float[Tensor, "*heads batch clusters"],
    neighbor_logits: Float[Tensor, "*heads batch clusters"],
    *,
    entropy_weight: float,
    prior: Float[Tensor, " clusters"] | None = None,
) -> ScanLoss:
    """Return the semantic clustering loss, Eq. (2) of Van Gansbeke et al. (2020), with one neighbor per anchor.

    ``total = consistency - entropy_weight * entropy``; with a ``prior`` (shares that sum to 1), the entropy term
    becomes ``entropy_weight * KL(mean prediction || prior)``. The mean is over the batches of all processes.
    """
    anchor = anchor_logits.float().log_softmax(-1)
    neighbor = neighbor_logits.float().log_softmax(-1)
    consistency = average(consistency_loss(anchor, neighbor).mean(-1))
    log_mean = log_total(anchor.logsumexp(-2)) - math.log(anchor.shape[-2] * processes())
    return combine(consistency, log_mean, entropy_weight=entropy_weight, prior=prior)


def consistency_loss(
    log_p: Float[Tensor, "*batch clusters"], log_q: Float[Tensor, "*batch clusters"]
) -> Float[Tensor, "*batch"]:
    """Return ``-log <p, q>`` in nats, from log-probabilities.

    Unlike the logarithm of the dot product, it keeps its gradient where p and q are confident and disagree.
    """
    return -(log_p + log_q).logsumexp(-1)


def combine(
    consistency: Float[Tensor, "*heads"],
    log_mean: Float[Tensor, "*heads clusters"],
    *,
    entropy_weight: float,
    prior: Float[Tensor, " clusters"] | None,
) -> ScanLoss:
    """Return the loss, given the consistency and the logarithm of the mean prediction."""
    mean = log_mean.exp()
    entropy = -(mean * log_mean).sum(-1)
    balance = -entropy if prior is None else (mean * (log_mean - prior.log())).sum(-1)
    return ScanLoss(consistency + entropy_weight * balance, consistency, entropy)
