"""The self-labeling step: confident images teach the others (SCAN, section 2.3)."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from scan_core.augment.draws import part_generator
from scan_core.clustering.collapse import check_confident
from scan_core.clustering.learner import Learner
from scan_core.clustering.pseudo_label_loss import pseudo_label_loss
from scan_core.data.batches import shuffled_batches
from scan_core.runtime.cpu_threads import FittingThreads
from scan_core.runtime.meter import Meter
from scan_core.runtime.moving_average import MovingAverage
from scan_core.runtime.progress import steps
from scan_core.runtime.state import State, capture, part, restore
from scan_core.runtime.update import make_optimizer, update


class SelfLabelTraining:
    """One call of :meth:`run_epoch` after the other trains the one-headed ``learner`` on its own confident images.

    Args:
        threshold: the probability above which an image is confident, in (0, 1).
        optimizer: ``adam``, or ``sgd`` with ``momentum``.
        ema_decay: of the average of the weights that is kept in their place; None keeps the weights themselves.
            Pseudo-labels come from the weights in both cases, as in FixMatch (Sohn et al., 2020).
    """

    confident: Float[Tensor, " clusters"]
    """How many images of each cluster were confident in the finite steps of the last epoch; zeros before the first."""

    def __init__(
        self,
        learner: Learner,
        *,
        threshold: float,
        class_balance: bool,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        generator: torch.Generator,
        optimizer: str = "adam",
        momentum: float = 0.0,
        ema_decay: float | None = None,
    ) -> None:
        self._learner, self._generator = learner, part_generator(generator, groups=1)
        self._threshold, self._class_balance = threshold, class_balance
        self._batch_size, self._learning_rate = batch_size, learning_rate
        self._optimizer = make_optimizer(optimizer, learner.learned, momentum=momentum, weight_decay=weight_decay)
        self._average = None if ema_decay is None else MovingAverage(learner.learned, decay=ema_decay)
        self._kept = self._average.module if self._average else learner.learned
        self._threads = FittingThreads(learner.device)
        self.confident = torch.zeros(learner.model.heads.bias.shape[-1], device=learner.device)

    def run_epoch(self) -> dict[str, float]:
        """Train for one epoch; returns its averages and how many images were confident in its steps.

        A step without a confident image leaves the weights alone, though not what batch normalization keeps, and is no
        ``active`` one.

        Raises:
            TrainingError: no confident image in the whole epoch, or the loss is not finite.
        """
        meter = Meter(self._learner.device)
        self.confident = torch.zeros_like(self.confident)
        rows = shuffled_batches(len(self._learner), self._batch_size, self._generator)
        batches = self._learner.plain_and_augmented(rows, self._generator)
        for plain, augmented in steps(self._threads.watch(batches), total=len(rows)):
            loss, counts = pseudo_label_loss(
                plain, augmented, threshold=self._threshold, class_balance=self._class_balance
            )
            nobody = counts.sum() == 0
            broken = update(self._optimizer, loss, learning_rate=self._learning_rate, skip=nobody)
            if self._average:
                self._average.update(self._learner.learned)
            meter.add(broken, loss=loss, active=~nobody)
            self.confident = self.confident + torch.where(broken, 0.0, counts)
        averages = meter.read(self._learner.learned, learning_rate=self._learning_rate)
        confident = self.confident.tolist()
        check_confident(sum(confident), threshold=self._threshold)
        return {
            **averages,
            "loss": averages["loss"] / averages["active"],
            "clusters_taught": float(sum(count > 0 for count in confident)),
            "confident": sum(confident),
            "confident_smallest_cluster": min(confident),
            "confident_largest_cluster": max(confident),
        }

    def weights(self) -> State:
        """The model's weights as they are now; with ``ema_decay``, their average."""
        weights = {**self._learner.model.state_dict(), **self._kept.state_dict()}
        return {name: value.clone() for name, value in weights.items()}

    def state_dict(self) -> State:
        """Everything that :meth:`load_state_dict` needs to go on identically; what does not learn is not in it."""
        average = self._average.state_dict() if self._average else {}
        state = capture(self._learner.learned, self._optimizer, self._generator)
        return state | {"confident": self.confident} | {f"average.{name}": value for name, value in average.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from ``state``."""
        restore(state, self._learner.learned, self._optimizer, self._generator)
        self.confident = state["confident"].to(self._learner.device)
        if self._average:
            self._average.load_state_dict(part(state, "average"))


def plateaued(confident: Sequence[float], *, patience: int) -> bool:
    """Whether the last ``patience`` epochs had no more confident images than one before them.

    An epoch leaves out what does not fill a batch, other images each time; of few images, the numbers vary with them.
    """
    return len(confident) > patience and max(confident[-patience:]) <= max(confident[:-patience])
