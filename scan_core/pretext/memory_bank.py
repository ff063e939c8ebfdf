"""A memory bank: a vector for each image, and noise-contrastive estimation among them (Wu et al., 2018)."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from scan_core.parallel.distributed import average, gather, log_total, part_of_batch, processes


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


class MemoryBank(nn.Module):
    """One vector of length 1 for each image, which follows the image's views.

    Views are compared with the vector of their image and with ``negatives`` others, drawn uniformly for each step, and
    shared by the images of the batch. An image that is drawn for itself counts as noise, as in the paper, so that there
    may be fewer images than negatives. Several processes keep the same bank each.

    Args:
        images, dimensions: of the bank.
        negatives: 4,096 in the paper.
        temperature: 0.07 in the paper.
        momentum: the share of its direction that a vector keeps when its image is seen; 0.5 in the paper's code.
        proximal_weight: of the squared distance between a view and its vector (section 3.3).
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
        self.hardly = 10 / (1 + negatives)
        """An accuracy that is ten times that of chance."""
        self.vectors: Tensor
        self.register_buffer("vectors", F.normalize(torch.randn(images, dimensions), dim=1))
        self.log_z: Tensor
        self.register_buffer("log_z", torch.tensor(torch.nan))

    def loss(
        self, projections: Float[Tensor, "part dimensions"], rows: Int64[Tensor, " batch"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """Return the loss of the whole batch, in nats, and the share of this process's views that are nearer to their
        own vector than to all drawn ones.

        Args:
            projections: of this process's part, of any length.
            rows: of the whole batch's images.
        """
        own_rows = part_of_batch(rows[None])[0]
        views, kept = F.normalize(projections.float(), dim=1), self.vectors[own_rows]
        drawn = torch.randint(len(self.vectors), (self._negatives,), generator=self._noise)
        drawn = drawn.to(views.device, non_blocking=True)
        noise = views @ self.vectors[drawn].T / self._temperature
        own = (views * kept).sum(dim=1) / self._temperature
        self._estimate_partition(noise.detach())
        log_expected = math.log(self._negatives / len(self.vectors))  # noise is as likely to be any image
        loss = nce_loss(own - self.log_z - log_expected, noise - self.log_z - log_expected)
        proximal = (views - kept).square().sum(dim=1).mean()
        nearest_other = noise.masked_fill(drawn == own_rows[:, None], -torch.inf).amax(dim=1)
        return average(loss + self._proximal_weight * proximal), (own > nearest_other).float().mean()

    @torch.no_grad()
    def follow(
        self, projections: Float[Tensor, "part dimensions"], rows: Int64[Tensor, " batch"], broken: Bool[Tensor, ""]
    ) -> None:
        """Move the vectors of the batch's images towards their views, unless the step was ``broken``."""
        kept, views = self.vectors[rows], gather(F.normalize(projections.float(), dim=1))
        moved = F.normalize(self._momentum * kept + (1 - self._momentum) * views, dim=1)
        self.vectors[rows] = torch.where(broken, kept, moved)

    def _estimate_partition(self, noise: Float[Tensor, "part negatives"]) -> None:
        """Estimate the partition constant Z by the first batch, on all processes; it stays (section 3.2)."""
        log_count = math.log(noise.numel() * processes())
        estimate = math.log(len(self.vectors)) + log_total(noise.logsumexp(dim=(0, 1))) - log_count
        self.log_z.copy_(torch.where(self.log_z.isfinite(), self.log_z, estimate))

    def get_extra_state(self) -> Tensor:
        """Return the state of the generator of noise."""
        return self._noise.get_state()

    def set_extra_state(self, state: Tensor) -> None:
        """Restore the state of the generator of noise."""
        self._noise.set_state(state.cpu())
