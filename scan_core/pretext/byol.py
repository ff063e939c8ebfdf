"""BYOL (Grill et al., 2020): predict what an average of the network says of another view, without any negatives."""

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
from scan_core.pretext.nearest import hardly, share_of_nearest
from scan_core.pretext.task import Projections, Rows, Scalar, Task
from scan_core.training.moving_average import MovingAverage


def byol_loss(
    predictions: Float[Tensor, "batch dimensions"], targets: Float[Tensor, "batch dimensions"]
) -> Float[Tensor, ""]:
    """Return the mean squared distance of unit vectors, 2 - 2 x cosine, in [0, 4] (Grill et al., 2020, Eq. 2)."""
    return (2 - 2 * F.cosine_similarity(predictions, targets, dim=1)).mean()


class BYOL(Task):
    """Each view predicts the projection of the other one by the target network, an average of the model's weights.

    A model that says the same of every image has a loss of 0; that it does not come to this is owed to the predictor,
    the average and batch normalization in the heads. Whether it has is told by how often an image's own target is the
    nearest one.

    One thing is not in the paper: projections are centered and scaled over the batch, as those of SimSiam (Chen and
    He, 2021) and of MoCo's version 3 (Chen et al., 2021). Without it, digits collapse: with random weights all images
    lie in nearly one direction, to which the predictor then points for every image.

    Args:
        images: how many there are to learn from; they leave this task as it is.
        batch_size: of the whole batch, in images.
        momentum: the share of the average that a step keeps; 0.996 at first in the paper, constant here.
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
        """The model, then the predictor."""
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
        """Whether own targets are the nearest ones hardly more often than by chance."""
        return metrics["contrastive_accuracy"] <= hardly(self._batch_size)

    @torch.no_grad()
    def after_step(self, projections: Projections, rows: Rows, broken: Bool[Tensor, ""]) -> None:
        """Let the average follow."""
        self._average.update(self.model)
