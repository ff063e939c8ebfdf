"""The loss that a clustering step minimizes, and the loss that chooses its best epoch and head."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch

from scan_core.clustering.prior import shares
from scan_core.clustering.scan_loss import scan_loss
from scan_core.clustering.selection import selection_loss


class Objective(NamedTuple):
    """Two losses without labels, lower is better.

    Each returns a NamedTuple of the parts to report, one value for each head, of which ``total`` counts.
    """

    loss: Callable[..., Any]
    """Of the logits [heads, batch, clusters] of anchors and of their neighbors; it is minimized."""
    selection: Callable[..., Any]
    """Of one head's logits [images, clusters] of all images as they are, and each image's neighbors as rows of them."""


def scan_objective(
    *, entropy_weight: float, prior: Sequence[float] | None = None, device: torch.device | None = None
) -> Objective:
    """The semantic clustering loss (SCAN, Eq. 2), of one sampled neighbor and of all of them.

    Args:
        prior: known shares of the clusters, scaled here to a sum of 1; None asks for equal ones.
        device: that of the logits.
    """
    settings: dict[str, Any] = {"entropy_weight": entropy_weight, "prior": shares(prior, device)}
    return Objective(loss=partial(scan_loss, **settings), selection=partial(selection_loss, **settings))
