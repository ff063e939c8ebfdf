"""VICReg (Bardes et al., 2022): views agree, and the dimensions of projections vary, uncorrelated."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from scan_core.encoders.encoder import Encoder
from scan_core.encoders.pretext_model import PretextModel
from scan_core.parallel.distributed import gather
from scan_core.pretext.nearest import near_chance, share_of_nearest
from scan_core.pretext.task import Projections, Rows, Scalar, Task

SMALLEST = 1e-4
"""Added to a variance, so that its square root has a gradient."""


class Terms(NamedTuple):
    """The three terms of the loss, without their weights."""

    invariance: Float[Tensor, ""]
    """Mean squared difference of two views (Eq. 5, divided by the dimensions, as the authors' figures are)."""
    variance: Float[Tensor, ""]
    """How far the standard deviation is below 1 (Eq. 1), averaged over dimensions and views."""
    covariance: Float[Tensor, ""]
    """Sum of squared covariances of different dimensions, divided by their number (Eq. 4), summed over both views."""


def vicreg_terms(first: Float[Tensor, "batch dimensions"], second: Float[Tensor, "batch dimensions"]) -> Terms:
    """Compare the projections of two views of each image of the whole batch."""
    variance, covariance = first.new_zeros(()), first.new_zeros(())
    for views in (first, second):
        centered = views - views.mean(dim=0)
        deviation = (centered.square().sum(dim=0) / (len(views) - 1) + SMALLEST).sqrt()
        variance = variance + F.relu(1 - deviation).mean() / 2
        covariances = centered.T @ centered / (len(views) - 1)
        different = covariances - covariances.diagonal().diag()
        covariance = covariance + different.square().sum() / views.shape[1]
    return Terms(F.mse_loss(first, second), variance, covariance)


class VICReg(Task):
    """An encoder with a projection head ("expander"), and the weighted sum of the three :class:`Terms`.

    Args:
        images: number of training images; not used by this task.
        batch_size: images in a batch, over all processes.
        invariance_weight, variance_weight, covariance_weight: 25, 25 and 1 in the paper.
        head: the arguments of :func:`scan_core.encoders.pretext_model.projection_head`.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        images: int,
        batch_size: int,
        invariance_weight: float,
        variance_weight: float,
        covariance_weight: float,
        **head: Any,
    ) -> None:
        super().__init__(PretextModel(encoder, projection=head), chance=None)
        self._batch_size = batch_size
        self._weights = (invariance_weight, variance_weight, covariance_weight)

    def loss(self, projections: Projections, rows: Rows) -> tuple[Scalar, Scalar]:
        """Return the loss of the whole batch, and the share of images whose views are nearest to each other."""
        first, second = gather(projections.float(), groups=2).chunk(2)
        terms = vicreg_terms(first, second)
        loss = sum((w * t for w, t in zip(self._weights, terms, strict=True)), start=torch.zeros_like(terms.variance))
        return loss, share_of_nearest(first.detach(), second.detach())

    def at_chance(self, metrics: Mapping[str, float]) -> bool:
        """Return whether the views of an image are nearest to each other hardly more often than by chance."""
        return metrics["contrastive_accuracy"] <= near_chance(self._batch_size)
