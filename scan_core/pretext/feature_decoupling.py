"""Feature decoupling (Feng et al., 2019): half of the features tell how an image is turned, the others which it is."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from scan_core.encoders.encoder import Encoder
from scan_core.encoders.pretext_model import PretextModel
from scan_core.parallel.distributed import average
from scan_core.pretext.memory_bank import MemoryBank, chance_loss
from scan_core.pretext.rotnet import TURNS, rotation_loss, turned
from scan_core.pretext.task import Projections, Rows, Scalar, Task


class Halves(NamedTuple):
    """What the two halves of the features say of the four turns of each image."""

    turns: Float[Tensor, "four_parts turns"]
    """Logits."""
    instances: Float[Tensor, "turns part dimensions"]
    """Unit vectors."""

    @property
    def means(self) -> Float[Tensor, "part dimensions"]:
        """Of the four turns."""
        return self.instances.mean(dim=0)


def halves(projections: Float[Tensor, "four_parts both"]) -> Halves:
    """Take the outputs of the two halves apart."""
    instances = F.normalize(projections[:, TURNS:].float(), dim=1)
    return Halves(projections[:, :TURNS].float(), instances.reshape(TURNS, -1, instances.shape[1]))


class FeatureDecoupling(Task):
    """Rotation from the first half of the features, and from the second half instances, whatever their rotation.

    The loss is the sum of three: the cross-entropy of the turns; the mean squared distance of the turns' unit vectors
    from their mean; and noise-contrastive estimation of the mean, with a memory bank. In the paper, images whose
    orientation is ambiguous count less, by what another, finished RotNet says of them; here all count alike.

    Args:
        images: how many there are to learn from, and vectors in the bank.
        batch_size: of the whole batch; it leaves this task as it is.
        projection_dim: of a linear layer after the second half of the features.
        batch_norm: whether its output is centered and scaled over the batch; see :class:`scan_core.pretext.nce.NCE`.
        negatives, temperature, bank_momentum: see :class:`scan_core.pretext.memory_bank.MemoryBank`.
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
    ) -> None:
        head = {"hidden_dim": None, "projection_dim": TURNS + projection_dim, "batch_norm": batch_norm, "split": TURNS}
        chance = math.log(TURNS) + chance_loss(negatives)
        super().__init__(PretextModel(encoder, projection=head), chance=chance)
        self.bank = MemoryBank(
            images,
            projection_dim,
            negatives=negatives,
            temperature=temperature,
            momentum=bank_momentum,
            proximal_weight=0.0,
        )

    def project(
        self, network: nn.Module, views: Float[Tensor, "part channels size size"]
    ) -> Float[Tensor, "four_parts both"]:
        """Return what both halves say of all four turns."""
        return network(turned(views))

    def loss(self, projections: Projections, rows: Rows) -> tuple[Scalar, Scalar]:
        """Return the sum of the losses, and the share of images that are nearer to their own vector than to all
        drawn ones."""
        found = halves(projections)
        rotation, _ = rotation_loss(found.turns)
        spread = (found.instances - found.means).square().sum(dim=2).mean()
        instances, accuracy = self.bank.loss(found.means, rows)
        return average(rotation + spread) + instances, accuracy

    def at_chance(self, metrics: Mapping[str, float]) -> bool:
        """As in every task, unless images find their own vector ten times as often as by chance."""
        return super().at_chance(metrics) and metrics["contrastive_accuracy"] <= self.bank.hardly

    def after_step(self, projections: Projections, rows: Rows, broken: Bool[Tensor, ""]) -> None:
        """Move the vectors of the batch's images towards the means of their turns."""
        self.bank.follow(halves(projections).means, rows, broken)
