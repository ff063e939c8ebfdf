"""Feature decoupling (Feng et al., 2019): half of the features predict the rotation, the others identify the image."""

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
    """The outputs of the two halves of the features, for the four rotations of each image."""

    turns: Float[Tensor, "four_parts turns"]
    """Logits of the rotations."""
    instances: Float[Tensor, "turns part dimensions"]
    """Unit vectors, of each rotation and image."""

    @property
    def means(self) -> Float[Tensor, "part dimensions"]:
        """Return each image's mean over the four rotations."""
        return self.instances.mean(dim=0)


def halves(projections: Float[Tensor, "four_parts both"]) -> Halves:
    """Separate the outputs of the two halves, and normalize those of the second."""
    instances = F.normalize(projections[:, TURNS:].float(), dim=1)
    return Halves(projections[:, :TURNS].float(), instances.reshape(TURNS, -1, instances.shape[1]))


class FeatureDecoupling(Task):
    """The first half of the features predicts the rotation, the second tells images apart, whatever their rotation.

    The loss is the sum of three terms: the cross-entropy of the rotations; the mean squared distance of the unit
    vectors of an image's four rotations from their mean; and noise-contrastive estimation of that mean, with a memory
    bank. In the paper, a RotNet trained before gives images of ambiguous orientation less weight; here all have the
    same.

    Args:
        images: number of training images, and of vectors in the bank.
        batch_size: not used by this task.
        projection_dim: outputs of the linear layer after the second half of the features.
        batch_norm: whether these are standardized over the batch; see :class:`scan_core.pretext.nce.NCE`.
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
        """Return the outputs of both halves, for all four rotations."""
        return network(turned(views))

    def loss(self, projections: Projections, rows: Rows) -> tuple[Scalar, Scalar]:
        """Return the sum of the three terms, and the share of images that are nearer to their own vector than to all
        negatives."""
        found = halves(projections)
        rotation, _ = rotation_loss(found.turns)
        spread = (found.instances - found.means).square().sum(dim=2).mean()
        instances, accuracy = self.bank.loss(found.means, rows)
        return average(rotation + spread) + instances, accuracy

    def at_chance(self, metrics: Mapping[str, float]) -> bool:
        """As in :class:`Task`, unless images find their own vector six times as often as by chance."""
        return super().at_chance(metrics) and metrics["contrastive_accuracy"] <= self.bank.near_chance

    def after_step(self, projections: Projections, rows: Rows, broken: Bool[Tensor, ""]) -> None:
        """Move the vectors of the batch's images towards the means of their rotations."""
        self.bank.update(halves(projections).means, rows, broken)
