"""The interface of a pretext task: a model, its loss, and their state. One training serves all tasks."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from scan_core.encoders.pretext_model import PretextModel
from scan_core.training.chance import at_chance

Projections = Float[Tensor, "views_of_part dimensions"]
"""Projections of the views in this process's part of a batch: first views, then second ones."""
Rows = Int64[Tensor, " batch"]
"""Positions of a whole batch's images among the training images."""
Scalar = Float[Tensor, ""]


class Task(nn.Module, ABC):
    """A model with its loss.

    The ``model`` is the result of a training. Other buffers and modules, such as a memory bank, are part of the
    training's saved state.

    Args:
        chance: the loss, in nats, of a model whose output is the same for every image. None if the loss does not show
            whether a model learns; :meth:`at_chance` then uses the accuracy.
    """

    views = 2
    """Number of augmented views of each image in a step."""

    def __init__(self, model: PretextModel, *, chance: float | None) -> None:
        super().__init__()
        self.model, self.chance = model, chance

    @property
    def learned(self) -> nn.Module:
        """Return what the optimizer updates: the model, unless the task has further weights, such as a predictor."""
        return self.model

    def project(self, network: nn.Module, views: Float[Tensor, "views_of_part channels height width"]) -> Projections:
        """Return the projections of this process's part of the views: first views, then second ones.

        Args:
            network: ``learned``, wrapped so that gradients are averaged over the processes; call this one.
        """
        return network(views)

    @abstractmethod
    def loss(self, projections: Projections, rows: Rows) -> tuple[Scalar, Scalar]:
        """Return the loss of the whole batch, and the accuracy on this process's part of it, in [0, 1]."""

    def at_chance(self, metrics: Mapping[str, float]) -> bool:
        """Return whether an epoch with these ``metrics`` (loss, contrastive_accuracy) was no better than chance."""
        return self.chance is not None and at_chance(metrics["loss"], self.chance)

    def after_step(self, projections: Projections, rows: Rows, broken: Bool[Tensor, ""]) -> None:
        """Update what is not trained by gradients, after an optimizer step with ``projections``; by default, nothing.

        Args:
            broken: whether the step was skipped because its loss or gradient was not finite.
        """
