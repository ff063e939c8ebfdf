"""BYOL (Grill et al., 2020): a network predicts its moving average's projection of another view; no negatives."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from scan_core.encoders.encoder import Encoder
from scan_core.encoders.pretext_model import PretextModel, projection_head
from scan_core.parallel.distributed import average, gather, processes
from scan_core.parallel.synchronized_norm import SynchronizedBatchNorm
from scan_core.pretext.nearest import near_chance, share_of_nearest
from scan_core.pretext.task import Projections, Rows, Scalar, Task
from scan_core.training.moving_average import MovingAverage


def byol_loss(
    predictions: Float[Tensor, "batch dimensions"], targets: Float[Tensor, "batch dimensions"]
) -> Float[Tensor, ""]:
    """Return the mean squared distance of unit vectors, 2 - 2 x cosine, in [0, 4] (Grill et al., 2020, Eq. 2)."""
    return (2 - 2 * F.cosine_similarity(predictions, targets, dim=1)).mean()


class BYOL(Task):
    """Each view predicts the projection of the other one by the target network, an average of the model's weights.

    A collapsed model, whose output is the same for every image, has a loss of 0. The predictor, the average and the
    batch normalization in the heads prevent this. Since the loss does not show a collapse, :meth:`at_chance` checks how
    often an image's own target is the nearest one.

    One thing is not in the paper: projections are standardized over the batch, as in SimSiam (Chen and He, 2021) and
    MoCo v3 (Chen et al., 2021). Without it, the training collapses on digits: with random weights, the projections of
    all images point in nearly the same direction, and the predictor learns to return this direction for every image.

    Args:
        images: number of training images; not used by this task.
        batch_size: images in a batch, over all processes.
        momentum: decay of the moving average. It is constant here; in the paper, it rises from 0.996 to 1.
        head: the arguments of :func:`scan_core.encoders.pretext_model.projection_head`, for both heads.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        images: int,
        batch_size: int,
        momentum: float,
        **head: Any,
    ) -> None:
        super().__init__(PretextModel(encoder, projection={**head, "centered": True}), chance=None)
        self._average = MovingAverage(self.model, decay=momentum)
        self.target = self._average.module
        if processes() > 1:
            SynchronizedBatchNorm.convert(self.target)
        self.predictor = projection_head(head["projection_dim"], **head)
        self._batch_size = batch_size

    @property
    def learned(self) -> nn.Module:
        """Return the model followed by the predictor."""
        return nn.Sequential(self.model, self.predictor)

    def project(
        self, network: nn.Module, views: Float[Tensor, "views_of_part channels height width"]
    ) -> Float[Tensor, "twice_views_of_part dimensions"]:
        """Return the predictions of both views, then their targets."""
        with torch.no_grad():
            targets = self.target(views)
        return torch.cat([network(views), targets])

    def loss(self, projections: Projections, rows: Rows) -> tuple[Scalar, Scalar]:
        """Return the sum of both directions' losses, and how often an image's own target is the nearest one."""
        first, second, first_target, second_target = projections.float().chunk(4)
        loss = byol_loss(first, second_target) + byol_loss(second, first_target)
        with torch.no_grad():
            nearest = share_of_nearest(gather(first), gather(second_target))
        return average(loss), nearest

    def at_chance(self, metrics: Mapping[str, float]) -> bool:
        """Return whether an image's own target is the nearest one hardly more often than by chance."""
        return metrics["contrastive_accuracy"] <= near_chance(self._batch_size)

    @torch.no_grad()
    def after_step(self, projections: Projections, rows: Rows, broken: Bool[Tensor, ""]) -> None:
        """Update the moving average."""
        self._average.update(self.model)
