"""Instance discrimination with a memory bank, by noise-contrastive estimation (Wu et al., 2018)."""

from collections.abc import Mapping

from jaxtyping import Bool
from torch import Tensor

from scan_core.encoders.encoder import Encoder
from scan_core.encoders.pretext_model import PretextModel
from scan_core.pretext.memory_bank import MemoryBank, chance_loss
from scan_core.pretext.task import Projections, Rows, Scalar, Task


class NCE(Task):
    """Each image is a class of its own, whose weight is the vector that a memory bank keeps of it.

    Args:
        images: how many there are to learn from, and vectors in the bank.
        batch_size: of the whole batch; it leaves this task as it is.
        projection_dim: of a linear layer after the encoder; the paper has 128.
        batch_norm: whether its output is centered and scaled over the batch, which the paper does not do. At first all
            images lie in one direction. Where a batch is a large part of the bank, and so brings that direction into
            it at once, images flee from it all together, and the loss grows; centered, they share no direction.
        negatives, temperature, bank_momentum, proximal_weight: see
            :class:`scan_core.pretext.memory_bank.MemoryBank`.
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
        self.bank = MemoryBank(
            images,
            projection_dim,
            negatives=negatives,
            temperature=temperature,
            momentum=bank_momentum,
            proximal_weight=proximal_weight,
        )

    def loss(self, projections: Projections, rows: Rows) -> tuple[Scalar, Scalar]:
        """Return the loss, and the share of views that are nearer to their own vector than to all drawn ones."""
        return self.bank.loss(projections, rows)

    def at_chance(self, metrics: Mapping[str, float]) -> bool:
        """As in every task, unless views find their own vector ten times as often as by chance.

        The loss alone does not tell: with few images it may stay above chance, since the partition constant is that of
        the first batch (docs/pretext.md).
        """
        return super().at_chance(metrics) and metrics["contrastive_accuracy"] <= self.bank.hardly

    def after_step(self, projections: Projections, rows: Rows, broken: Bool[Tensor, ""]) -> None:
        """Move the vectors of the batch's images towards their views."""
        self.bank.follow(projections, rows, broken)
