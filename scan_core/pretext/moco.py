"""MoCo v2: momentum contrast (He et al., 2020) with a projection head (Chen et al., 2020b)."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from scan_core.encoders.encoder import Encoder
from scan_core.encoders.pretext_model import PretextModel
from scan_core.parallel.distributed import average, gather, part_of_batch, processes
from scan_core.parallel.split_norm import SplitBatchNorm, check_groups, mixed
from scan_core.pretext.task import Projections, Rows, Scalar, Task
from scan_core.training.moving_average import MovingAverage


def info_nce(
    positive: Float[Tensor, " batch"], negatives: Float[Tensor, "batch queue"], *, temperature: float
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Find the query's own key among those of the queue (He et al., 2020, Eq. 1).

    Args:
        positive, negatives: cosine similarities; a negative of minus infinity does not count.

    Returns:
        The loss, in nats, and the share of queries to which their own key is nearer than every other.
    """
    logits = torch.cat([positive[:, None], negatives], dim=1) / temperature
    first = torch.zeros(len(logits), dtype=torch.int64, device=logits.device)
    return F.cross_entropy(logits, first), (positive > negatives.amax(dim=1)).float().mean()


class MoCo(Task):
    """A view, the query, looks for another view's key among the keys of earlier batches.

    Keys come from an average of the model, which follows it slowly. Batch normalization would tell a query its key, if
    both were normalized with the same images. He et al. shuffle the keys' images between GPUs; here normalization is
    split into groups of ``norm_group`` images, on a single process, too, and keys are computed in an order that mixes
    the groups: a query's group and its key's have a fourth of their images in common. (Running statistics for the keys,
    which come from no batch, did not work: queries then followed the drift of the keys instead of their images.)

    The queue may hold keys of the image itself, from another epoch; these are left out. It starts with random vectors.

    Args:
        images: how many there are to learn from.
        batch_size: of the whole batch; see :func:`scan_core.parallel.split_norm.check_groups`.
        queue: how many keys; 65,536 in the paper.
        momentum: the share of the average that a step keeps; 0.999 in the paper.
        norm_group: images that are normalized together; 32 in the paper, those of a GPU.
        head: the arguments of :func:`scan_core.encoders.pretext_model.projection_head`.

    Raises:
        TrainingError: a process's part of a batch cannot be split into groups of ``norm_group``.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        images: int,
        batch_size: int,
        temperature: float,
        queue: int,
        momentum: float,
        norm_group: int,
        **head: Any,
    ) -> None:
        check_groups(batch_size // processes(), group=norm_group)
        others = queue * (1 - 1 / images)
        super().__init__(PretextModel(encoder, projection=head), chance=math.log1p(others))
        self._temperature = temperature
        self._average = MovingAverage(self.model, decay=momentum)
        self.key_model = self._average.module
        SplitBatchNorm.convert(self.model, group=norm_group)
        SplitBatchNorm.convert(self.key_model, group=norm_group)
        self._norm_group = norm_group
        self.keys: Tensor
        self.register_buffer("keys", F.normalize(torch.randn(queue, head["projection_dim"]), dim=1))
        self.key_rows: Tensor
        self.register_buffer("key_rows", torch.full((queue,), -1))

    def project(self, network: nn.Module, views: Float[Tensor, "views_of_part channels height width"]) -> Projections:
        """Return queries, of the first views, then keys."""
        first, second = views.chunk(2)
        order = mixed(len(second), group=self._norm_group).to(second.device, non_blocking=True)
        with torch.no_grad():
            keys = self.key_model(second[order])[order.argsort()]
        return torch.cat([network(first), keys])

    def loss(self, projections: Projections, rows: Rows) -> tuple[Scalar, Scalar]:
        """Each query looks for its key."""
        queries, keys = F.normalize(projections.float(), dim=1).chunk(2)
        own = part_of_batch(rows[None])[0]
        negatives = (queries @ self.keys.T).masked_fill(own[:, None] == self.key_rows, -torch.inf)
        loss, accuracy = info_nce((queries * keys).sum(dim=1), negatives, temperature=self._temperature)
        return average(loss), accuracy

    @torch.no_grad()
    def after_step(self, projections: Projections, rows: Rows, broken: Bool[Tensor, ""]) -> None:
        """Let the average follow, and put the batch's keys in place of the oldest ones."""
        self._average.update(self.model)
        keys = gather(F.normalize(projections.chunk(2)[1].float(), dim=1))
        for queue, new in ((self.keys, keys), (self.key_rows, rows)):
            queue.copy_(torch.where(broken, queue, torch.cat([queue, new])[-len(queue) :]))
