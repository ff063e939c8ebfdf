"""The semantic clustering loss (SCAN, section 2.2, Eq. 2), in the log domain and in float32."""

import math
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from scan_core.parallel.distributed import average, log_total, processes


class ScanLoss(NamedTuple):
    """In nats, one value for each head."""

    total: Float[Tensor, "*heads"]
    """What is minimized."""
    consistency: Float[Tensor, "*heads"]
    """Mean of -log <p(x), p(neighbor)>: 0 is perfect agreement."""
    entropy: Float[Tensor, "*heads"]
    """Of the mean prediction: log C when all clusters are used equally, 0 when one is."""


def scan_loss(
    anchor_logits: Float[Tensor, "*heads batch clusters"],
    neighbor_logits: Float[Tensor, "*heads batch clusters"],
    *,
    entropy_weight: float,
    prior: Float[Tensor, " clusters"] | None = None,
) -> ScanLoss:
    """Semantic clustering loss, Eq. (2) of Van Gansbeke et al. (2020), one sampled neighbor per anchor.

    ``total = consistency - entropy_weight * entropy``; with a ``prior`` (shares that sum to 1), the entropy term
    becomes ``entropy_weight * KL(mean prediction || prior)``. The batch is that of all processes together.
    """
    anchor = anchor_logits.float().log_softmax(-1)
    neighbor = neighbor_logits.float().log_softmax(-1)
    consistency = average(consistency_loss(anchor, neighbor).mean(-1))
    log_mean = log_total(anchor.logsumexp(-2)) - math.log(anchor.shape[-2] * processes())
    return combine(consistency, log_mean, entropy_weight=entropy_weight, prior=prior)


def chance_consistency(clusters: int) -> float:
    """The consistency of uniform predictions, in nats: two images agree with a probability of 1 / C."""
    return math.log(clusters)


def consistency_loss(
    log_p: Float[Tensor, "*batch clusters"], log_q: Float[Tensor, "*batch clusters"]
) -> Float[Tensor, "*batch"]:
    """``-log <p, q>`` from log-probabilities. Unlike the log of a product, it keeps its gradient when p and q are
    confident and disagree."""
    return -(log_p + log_q).logsumexp(-1)


def combine(
    consistency: Float[Tensor, "*heads"],
    log_mean: Float[Tensor, "*heads clusters"],
    *,
    entropy_weight: float,
    prior: Float[Tensor, " clusters"] | None,
) -> ScanLoss:
    """The loss from the consistency and the logarithm of the mean prediction."""
    mean = log_mean.exp()
    entropy = -(mean * log_mean).sum(-1)
    balance = -entropy if prior is None else (mean * (log_mean - prior.log())).sum(-1)
    return ScanLoss(consistency + entropy_weight * balance, consistency, entropy)
