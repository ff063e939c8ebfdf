"""Instance discrimination with a memory bank, by noise-contrastive estimation (Wu et al., 2018)."""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from scan_core.encoders.encoder import Encoder
from scan_core.encoders.pretext_model import PretextModel
from scan_core.parallel.distributed import average, gather, log_total, part_of_batch, processes
from scan_core.pretext.task import Projections, Rows, Scalar, Task


def chance_loss(negatives: int) -> float:
    """The loss, in nats, of a model to which all images are as likely: an image's own is 1 of 1 + ``negatives``.

    A model whose similarities vary, but tell nothing of the image, has a higher one.
    """
    return math.log1p(negatives) + negatives * math.log1p(1 / negatives)


def nce_loss(own: Float[Tensor, " batch"], noise: Float[Tensor, "batch negatives"]) -> Float[Tensor, ""]:
    """Noise-contrastive estimation (Wu et al., 2018, section 3.2): tell the image's own vector from noise, in nats.

    Args:
        own, noise: the logarithms of the odds that the image's own vector, and one drawn as noise, is no noise.
    """
    return -(F.logsigmoid(own) + F.logsigmoid(-noise).sum(dim=1)).mean()


class NCE(Task):
    """Each image is a class of its own, whose weight is the vector that a memory bank keeps of it.

    Views are compared with the vector of their image and with ``negatives`` others, drawn uniformly for each step, and
    shared by the images of the batch. An image that is drawn for itself counts as noise, as in the paper, so that there
    may be fewer images than negatives. Several processes keep the same bank each.

    Args:
        images: how many there are to learn from, and vectors in the bank.
        batch_size: of the whole batch; it leaves this task as it is.
        projection_dim: of a linear layer after the encoder; the paper has 128.
        batch_norm: whether its output is centered and scaled over the batch, which the paper does not do. At first all
            images lie in one direction. Where a batch is a large part of the bank, and so brings that direction into
            it at once, images flee from it all together, and the loss grows; centered, they share no direction.
        negatives: 4,096 in the paper.
        temperature: 0.07 in the paper.
        bank_momentum: the share of its direction that a vector keeps when its image is seen; 0.5 in the paper's code.
        proximal_weight: of the squared distance between a view and its vector (section 3.3).
    """

    views = 1

    def __init__(
        self,
        encoder: Encoder,
        *,
        images: int,
        batch_size: int,
        projection_dim: int,
        batch_norm: bool,
        negatives: int,
        temperature: float,
        bank_momentum: float,
        proximal_weight: float,
    ) -> None:
        head = {"hidden_dim": None, "projection_dim": projection_dim, "batch_norm": batch_norm}
        super().__init__(PretextModel(encoder, projection=head), chance=chance_loss(negatives))
        self._negatives, self._temperature = negatives, temperature
        self._bank_momentum, self._proximal_weight = bank_momentum, proximal_weight
        self._noise = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        self.bytes_per_image = 4 * projection_dim
        self.bank: Tensor
        self.register_buffer("bank", F.normalize(torch.randn(images, projection_dim), dim=1))
        self.log_z: Tensor
        self.register_buffer("log_z", torch.tensor(torch.nan))

    def loss(self, projections: Projections, rows: Rows) -> tuple[Scalar, Scalar]:
        """Return the loss, and the share of views that are nearer to their own vector than to all drawn ones."""
        own_rows = part_of_batch(rows[None])[0]
        views, kept = F.normalize(projections.float(), dim=1), self.bank[own_rows]
        drawn = torch.randint(len(self.bank), (self._negatives,), generator=self._noise)
        drawn = drawn.to(views.device, non_blocking=True)
        noise = views @ self.bank[drawn].T / self._temperature
        own = (views * kept).sum(dim=1) / self._temperature
        self._estimate_partition(noise.detach())
        log_expected = math.log(self._negatives / len(self.bank))  # noise is as likely to be any image
        loss = nce_loss(own - self.log_z - log_expected, noise - self.log_z - log_expected)
        proximal = (views - kept).square().sum(dim=1).mean()
        nearest_other = noise.masked_fill(drawn == own_rows[:, None], -torch.inf).amax(dim=1)
        return average(loss + self._proximal_weight * proximal), (own > nearest_other).float().mean()

    def at_chance(self, metrics: Mapping[str, float]) -> bool:
        """As in every task, unless views find their own vector ten times as often as by chance.

        The loss alone does not tell: with few images it may stay above chance, since the partition constant is that of
        the first batch (docs/pretext.md).
        """
        return super().at_chance(metrics) and metrics["contrastive_accuracy"] <= 10 / (1 + self._negatives)

    def _estimate_partition(self, noise: Float[Tensor, "part negatives"]) -> None:
        """Estimate the partition constant Z by the first batch, on all processes; it stays (section 3.2)."""
        log_count = math.log(noise.numel() * processes())
        estimate = math.log(len(self.bank)) + log_total(noise.logsumexp(dim=(0, 1))) - log_count
        self.log_z.copy_(torch.where(self.log_z.isfinite(), self.log_z, estimate))

    @torch.no_grad()
    def after_step(self, projections: Projections, rows: Rows, broken: Bool[Tensor, ""]) -> None:
        """Move the vectors of the batch's images towards their views."""
        kept, views = self.bank[rows], gather(F.normalize(projections.float(), dim=1))
        moved = F.normalize(self._bank_momentum * kept + (1 - self._bank_momentum) * views, dim=1)
        self.bank[rows] = torch.where(broken, kept, moved)

    def get_extra_state(self) -> Tensor:
        """Return the state of the generator of noise."""
        return self._noise.get_state()

    def set_extra_state(self, state: Tensor) -> None:
        """Restore the state of the generator of noise."""
        self._noise.set_state(state.cpu())
