"""BYOL (Grill et al., 2020): predict what an average of the network says of another view, without any negatives."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from scan_core.encoders.encoder import Encoder
from scan_core.encoders.pretext_model import PretextModel, projection_head
from scan_core.parallel.distributed import average, gather, processes
from scan_core.parallel.synchronized_norm import SynchronizedBatchNorm
from scan_core.pretext.nearest import share_of_nearest
from scan_core.pretext.task import Task
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

    Args:
        images: how many there are to learn from; they leave this task as it is.
        batch_size: of the whole batch, in images.
        momentum: the share of the average that a step keeps; 0.996 at first in the paper, constant here.
        hidden_dim, projection_dim, batch_norm: of both heads; see
            :func:`scan_core.encoders.pretext_model.projection_head`.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        images: int,
        batch_size: int,
        momentum: float,
        hidden_dim: int,
        projection_dim: int,
        batch_norm: bool,
    ) -> None:
        head = {"hidden_dim": hidden_dim, "projection_dim": projection_dim, "batch_norm": batch_norm}
        super().__init__(PretextModel(encoder, projection=head), chance=0.0)
        self._average = MovingAverage(self.model, decay=momentum)
        self.target = self._average.module
        if processes() > 1:
            SynchronizedBatchNorm.convert(self.target)
        self.predictor = projection_head(projection_dim, **head)
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

    def loss(
        self, projections: Float[Tensor, "twice_views_of_part dimensions"], rows: Int64[Tensor, " batch"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """Return the sum of both directions' losses, and how often an image's own target is the nearest one."""
        first, second, first_target, second_target = projections.float().chunk(4)
        loss = byol_loss(first, second_target) + byol_loss(second, first_target)
        with torch.no_grad():
            nearest = share_of_nearest(gather(first), gather(second_target))
        return average(loss), nearest

    def at_chance(self, metrics: Mapping[str, float]) -> bool:
        """Whether own targets are the nearest ones hardly more often than by chance."""
        return metrics["contrastive_accuracy"] <= 2 / self._batch_size

    @torch.no_grad()
    def after_step(
        self,
        projections: Float[Tensor, "twice_views_of_part dimensions"],
        rows: Int64[Tensor, " batch"],
        broken: Bool[Tensor, ""],
    ) -> None:
        """Let the average follow."""
        self._average.update(self.model)
