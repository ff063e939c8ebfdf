"""The interface of a pretext task: a model, its loss, and their state. One training serves all tasks."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from scan_core.encoders.pretext_model import PretextModel
from scan_core.training.chance import at_chance

Projections = Float[Tensor, "views_of_part dimensions"]
"""Of this process's part of a batch's views: first views, then second ones."""
Rows = Int64[Tensor, " batch"]
"""Of a whole batch's images, among the images to learn from."""
Scalar = Float[Tensor, ""]


class Task(nn.Module, ABC):
    """A model with its loss.

    The ``model`` is the result of a training. Other buffers and modules, such as a memory bank, are saved with it.

    Args:
        chance: the loss, in nats, of a model whose output is the same for every image; None where that is no measure,
            and :meth:`at_chance` goes by the accuracy.
    """

    views = 2
    """Number of augmented views of each image in a step."""

    def __init__(self, model: PretextModel, *, chance: float | None) -> None:
        super().__init__()
        self.model, self.chance = model, chance

    @property
    def learned(self) -> nn.Module:
        """What learns by its gradient: the model, where a task adds nothing that is left behind."""
        return self.model

    def project(self, network: nn.Module, views: Float[Tensor, "views_of_part channels height width"]) -> Projections:
        """Return the projections of this process's part of the views: first views, then second ones.

        Args:
            network: the network to call instead of ``learned``; it averages gradients over the processes.
        """
        return network(views)

    @abstractmethod
    def loss(self, projections: Projections, rows: Rows) -> tuple[Scalar, Scalar]:
        """Return the loss of the whole batch, and the accuracy on this process's part of it, in [0, 1]."""

    def at_chance(self, metrics: Mapping[str, float]) -> bool:
        """Whether an epoch with these ``metrics``, loss and contrastive_accuracy, was no better than chance."""
        return self.chance is not None and at_chance(metrics["loss"], self.chance)

    def after_step(self, projections: Projections, rows: Rows, broken: Bool[Tensor, ""]) -> None:
        """Carry on after the optimizer's step, whose ``projections`` these were; most tasks have nothing to do.

        Args:
            broken: whether the step was skipped, since its loss or gradient was not finite.
        """
