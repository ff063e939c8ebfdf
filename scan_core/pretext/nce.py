"""Instance discrimination with a memory bank, by noise-contrastive estimation (Wu et al., 2018)."""

from collections.abc import Mapping

from jaxtyping import Bool
from torch import Tensor

from scan_core.encoders.encoder import Encoder
from scan_core.encoders.pretext_model import PretextModel
from scan_core.pretext.memory_bank import MemoryBank, chance_loss
from scan_core.pretext.task import Projections, Rows, Scalar, Task


class NCE(Task):
    """Each image is a class of its own; its vector in a memory bank takes the place of the class's weights.

    Args:
        images: number of training images, and of vectors in the bank.
        batch_size: not used by this task.
        projection_dim: outputs of the linear layer after the encoder; 128 in the paper.
        batch_norm: whether these are standardized over the batch, which the paper does not do. With random weights, all
            projections point in nearly the same direction. If a batch is a large part of the bank, it fills the bank
            with this direction, all images then move away from it together, and the loss grows. Standardized
            projections have no common direction.
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
        """Return the loss, and the share of views that are nearer to their own vector than to all negatives."""
        return self.bank.loss(projections, rows)

    def at_chance(self, metrics: Mapping[str, float]) -> bool:
        """As in :class:`Task`, unless views find their own vector six times as often as by chance.

        The loss alone does not decide: with few images, it can stay above chance although the model learns, because the
        partition constant is that of the first batch (docs/pretext.md).
        """
        return super().at_chance(metrics) and metrics["contrastive_accuracy"] <= self.bank.near_chance

    def after_step(self, projections: Projections, rows: Rows, broken: Bool[Tensor, ""]) -> None:
        """Move the vectors of the batch's images towards their projections."""
        self.bank.update(projections, rows, broken)
