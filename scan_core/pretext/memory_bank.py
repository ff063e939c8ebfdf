"""A memory bank, one vector for each image, and noise-contrastive estimation with it (Wu et al., 2018)."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from scan_core.parallel.distributed import average, gather, log_total, part_of_batch, processes


def chance_loss(negatives: int) -> float:
    """Return the loss, in nats, of a model that finds all images equally likely: it gives h = 1 / (1 + ``negatives``).

    A model whose similarities vary, but say nothing about the image, has a higher loss.
    """
    return math.log1p(negatives) + negatives * math.log1p(1 / negatives)


def nce_loss(own: Float[Tensor, " batch"], noise: Float[Tensor, "batch negatives"]) -> Float[Tensor, ""]:
    """Noise-contrastive estimation (Wu et al., 2018, section 3.2): tell the image's own vector from noise, in nats.

    Args:
        own, noise: log-odds that the image's own vector, and each of the negatives, is the own one and not noise.
    """
    return -(F.logsigmoid(own) + F.logsigmoid(-noise).sum(dim=1)).mean()


class MemoryBank(nn.Module):
    """One unit vector for each image: a moving average of the projections of its views.

    A view is compared with its image's vector and with ``negatives`` vectors, which are drawn uniformly in each step
    and shared by the images of the batch. An image may be drawn as its own negative, as in the paper, so there may be
    fewer images than negatives. With several processes, each keeps the same bank.

    Args:
        images, dimensions: size of the bank.
        negatives: number of negatives; 4,096 in the paper.
        temperature: 0.07 in the paper.
        momentum: weight of the old vector when it is averaged with the new projection; 0.5 in the paper's code.
        proximal_weight: weight of the squared distance between a view and its image's vector (section 3.3).
    """

    def __init__(
        self,
        images: int,
        dimensions: int,
        *,
        negatives: int,
        temperature: float,
        momentum: float,
        proximal_weight: float,
    ) -> None:
        super().__init__()
        self._negatives, self._temperature = negatives, temperature
        self._momentum, self._proximal_weight = momentum, proximal_weight
        self._noise = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        chance = 1 / min(1 + negatives, images)
        self.near_chance = min(6 * chance, (1 + chance) / 2)
        """Six times the accuracy by chance, which an epoch of few images does not reach by luck, or halfway from chance
        to 1 if this is less."""
        self.vectors: Tensor
        self.register_buffer("vectors", F.normalize(torch.randn(images, dimensions), dim=1))
        self.log_z: Tensor
        self.register_buffer("log_z", torch.tensor(torch.nan))

    def loss(
        self, projections: Float[Tensor, "part dimensions"], rows: Int64[Tensor, " batch"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """Return the loss of the whole batch, in nats, and the share of this process's views that are nearer to their
        own vector than to all negatives.

        Args:
            projections: those of this process's part of the batch, of any length.
            rows: those of all images of the batch.
        """
        own_rows = part_of_batch(rows[None])[0]
        views, kept = F.normalize(projections.float(), dim=1), self.vectors[own_rows]
        drawn = torch.randint(len(self.vectors), (self._negatives,), generator=self._noise)
        drawn = drawn.to(views.device, non_blocking=True)
        noise = views @ self.vectors[drawn].T / self._temperature
        own = (views * kept).sum(dim=1) / self._temperature
        self._estimate_partition(noise.detach())
        log_expected = math.log(self._negatives / len(self.vectors))  # negatives are drawn uniformly
        loss = nce_loss(own - self.log_z - log_expected, noise - self.log_z - log_expected)
        proximal = (views - kept).square().sum(dim=1).mean()
        nearest_other = noise.masked_fill(drawn == own_rows[:, None], -torch.inf).amax(dim=1)
        return average(loss + self._proximal_weight * proximal), (own > nearest_other).float().mean()

    @torch.no_grad()
    def update(
        self, projections: Float[Tensor, "part dimensions"], rows: Int64[Tensor, " batch"], broken: Bool[Tensor, ""]
    ) -> None:
        """Move the vectors of the batch's images towards their projections, unless the step was ``broken``."""
        kept, views = self.vectors[rows], gather(F.normalize(projections.float(), dim=1))
        moved = F.normalize(self._momentum * kept + (1 - self._momentum) * views, dim=1)
        self.vectors[rows] = torch.where(broken, kept, moved)

    def _estimate_partition(self, noise: Float[Tensor, "part negatives"]) -> None:
        """Estimate the partition constant Z from the first batch of all processes, and keep it (section 3.2)."""
        log_count = math.log(noise.numel() * processes())
        estimate = math.log(len(self.vectors)) + log_total(noise.logsumexp(dim=(0, 1))) - log_count
        self.log_z.copy_(torch.where(self.log_z.isfinite(), self.log_z, estimate))

    def get_extra_state(self) -> Tensor:
        """Return the state of the generator that draws negatives."""
        return self._noise.get_state()

    def set_extra_state(self, state: Tensor) -> None:
        """Restore the state of the generator that draws negatives."""
        self._noise.set_state(state.cpu())
