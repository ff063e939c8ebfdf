"""The loss that a clustering step minimizes, and the loss that chooses its best epoch and head."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch

from scan_core.clustering.prior import shares
from scan_core.clustering.scan_loss import scan_loss
from scan_core.clustering.selection import selection_loss


class Objective(NamedTuple):
    """Two losses that need no labels; lower is better.

    Each returns a NamedTuple whose ``total`` is the loss, and whose other fields are reported; a value for each head.
    """

    loss: Callable[..., Any]
    """The loss to minimize, given the logits [heads, batch, clusters] of anchors and of their neighbors."""
    selection: Callable[..., Any]
    """The loss that chooses epoch and head, given one head's logits [images, clusters] of all plain images, and the
    neighbors of each image as rows of them."""


def scan_objective(
    *, entropy_weight: float, prior: Sequence[float] | None = None, device: torch.device | None = None
) -> Objective:
    """Return the semantic clustering loss (SCAN, Eq. 2): over one sampled neighbor to minimize, over all to select.

    Args:
        prior: known shares of the clusters, scaled here to a sum of 1; None for equal shares.
        device: the device of the logits.
    """
    settings: dict[str, Any] = {"entropy_weight": entropy_weight, "prior": shares(prior, device)}
    return Objective(loss=partial(scan_loss, **settings), selection=partial(selection_loss, **settings))
