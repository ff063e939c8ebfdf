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
    """InfoNCE: tell the query's own key from those of the queue (He et al., 2020, Eq. 1).

    Args:
        positive, negatives: cosine similarities of a query with its own key, and with the queue; minus infinity leaves
            a key out.

    Returns:
        The loss, in nats, and the share of queries that are nearer to their own key than to all others.
    """
    logits = torch.cat([positive[:, None], negatives], dim=1) / temperature
    first = torch.zeros(len(logits), dtype=torch.int64, device=logits.device)
    return F.cross_entropy(logits, first), (positive > negatives.amax(dim=1)).float().mean()


class MoCo(Task):
    """A view (the query) is to be nearer to the key of another view than to the keys of earlier batches.

    Keys come from a moving average of the model. If a query and its key were normalized with the same images, the batch
    statistics would reveal which key is its own. He et al. therefore shuffle the keys' images between GPUs. Here, on a
    single process too, batch normalization is split into groups of ``norm_group`` images, and keys are computed in
    another order: a query's group and its key's group have a fourth of their images in common. (Running statistics
    for the keys, which depend on no batch, did not work: queries learned the drift of the keys instead of the images.)

    Keys of the same image from an earlier epoch may be in the queue; they are not used as negatives. The queue starts
    with random vectors.

    Args:
        images: number of training images.
        batch_size: images in a batch, over all processes; see :func:`scan_core.parallel.split_norm.check_groups`.
        queue: number of keys; 65,536 in the paper.
        momentum: decay of the moving average; 0.999 in the paper.
        norm_group: images that are normalized together; in the paper, the 32 of one GPU.
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
        check_groups(batch_size // processes(), group=norm_group, count=processes())
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
        """Return the queries (of the first views), then the keys (of the second)."""
        first, second = views.chunk(2)
        order = mixed(len(second), group=self._norm_group).to(second.device, non_blocking=True)
        with torch.no_grad():
            keys = self.key_model(second[order])[order.argsort()]
        return torch.cat([network(first), keys])

    def loss(self, projections: Projections, rows: Rows) -> tuple[Scalar, Scalar]:
        """Return the loss of the whole batch, and the share of queries whose own key is the nearest."""
        queries, keys = F.normalize(projections.float(), dim=1).chunk(2)
        own = part_of_batch(rows[None])[0]
        negatives = (queries @ self.keys.T).masked_fill(own[:, None] == self.key_rows, -torch.inf)
        loss, accuracy = info_nce((queries * keys).sum(dim=1), negatives, temperature=self._temperature)
        return average(loss), accuracy

    @torch.no_grad()
    def after_step(self, projections: Projections, rows: Rows, broken: Bool[Tensor, ""]) -> None:
        """Update the moving average, and replace the oldest keys by those of the batch."""
        self._average.update(self.model)
        keys = gather(F.normalize(projections.chunk(2)[1].float(), dim=1))
        for queue, new in ((self.keys, keys), (self.key_rows, rows)):
            queue.copy_(torch.where(broken, queue, torch.cat([queue, new])[-len(queue) :]))
