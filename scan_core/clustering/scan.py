"""The clustering step: an image and its neighbors get the same cluster (SCAN, section 2.2)."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Int64
from torch import Tensor

from scan_core.augment.draws import part_generator
from scan_core.clustering.learner import Learner
from scan_core.clustering.model import select_head
from scan_core.clustering.pairs import draw_partners
from scan_core.clustering.scan_loss import ScanLoss, scan_loss
from scan_core.clustering.selection import check_selection, selection_loss, selection_metrics
from scan_core.console.progress import steps
from scan_core.machine.cpu_threads import FittingThreads
from scan_core.training.batches import shuffled_batches
from scan_core.training.meter import Meter
from scan_core.training.state import State, capture, part, restore
from scan_core.training.update import make_optimizer, update


class ScanTraining:
    """One call of :meth:`run_epoch` after the other trains ``learner`` and keeps its best epoch and head.

    Args:
        neighbor_rows: the neighbors of each image, as rows of ``learner``.
        prior: known shares of the clusters, or None for equal ones.
        optimizer: ``adam``, or ``sgd`` with ``momentum``.
    """

    def __init__(
        self,
        learner: Learner,
        neighbor_rows: Int64[Tensor, "images neighbors"],
        *,
        entropy_weight: float,
        prior: Sequence[float] | None,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        generator: torch.Generator,
        optimizer: str = "adam",
        momentum: float = 0.0,
    ) -> None:
        self._learner, self._neighbor_rows = learner, neighbor_rows
        self._generator = part_generator(generator, groups=2)
        self._entropy_weight, self._prior = entropy_weight, _normalized(prior, learner.device)
        self._batch_size, self._learning_rate = batch_size, learning_rate
        self._optimizer = make_optimizer(optimizer, learner.learned, momentum=momentum, weight_decay=weight_decay)
        self._threads = FittingThreads(learner.device)
        self._best: State = {"loss": torch.tensor(torch.inf)}

    def run_epoch(self) -> dict[str, float]:
        """Train for one epoch; returns its averages and the loss on the images as they are, of the best head.

        Raises:
            TrainingError: the loss is not finite.
        """
        meter = Meter(self._learner.device)
        rows = shuffled_batches(len(self._learner), self._batch_size, self._generator)
        partners = draw_partners(rows, self._neighbor_rows, self._generator)
        batches = self._learner.pairs(rows, partners, self._generator)
        for logits in steps(self._threads.watch(batches), total=len(rows)):
            anchor, neighbor = logits.chunk(2, dim=1)
            loss = scan_loss(anchor, neighbor, entropy_weight=self._entropy_weight, prior=self._prior)
            broken = update(self._optimizer, loss.total.sum(), learning_rate=self._learning_rate)
            meter.add(broken, loss=loss.total.mean(), consistency=loss.consistency.mean(), entropy=loss.entropy.mean())
        return {**meter.read(self._learner.learned, learning_rate=self._learning_rate), **self._select()}

    def _select(self) -> dict[str, float]:
        """Score every head on the images as they are, one after the other, and keep the best one seen."""
        rows = self._neighbor_rows.to(self._learner.device)
        losses, sizes = [], []
        for logits in self._learner.of_images():
            losses.append(selection_loss(logits, rows, entropy_weight=self._entropy_weight, prior=self._prior))
            sizes.append(logits.argmax(-1).bincount(minlength=logits.shape[-1]))
        loss = ScanLoss(*(torch.stack(parts) for parts in zip(*losses, strict=True)))
        head = check_selection(loss, learning_rate=self._learning_rate)
        if loss.total[head] < self._best["loss"].item():
            weights = select_head(self._learner.learned.state_dict(), head)
            self._best = {"loss": loss.total[head].cpu(), **{f"model.{name}": w.clone() for name, w in weights.items()}}
        return selection_metrics(loss, sizes[head], head=head)

    def best(self) -> tuple[State, float]:
        """The model's weights, with one head, of the epoch and head with the lowest selection loss, and that loss."""
        return {**self._learner.model.state_dict(), **part(self._best, "model")}, float(self._best["loss"])

    def state_dict(self) -> State:
        """Everything that :meth:`load_state_dict` needs to go on identically; what does not learn is not in it."""
        state = capture(self._learner.learned, self._optimizer, self._generator)
        return state | {f"best.{name}": value for name, value in self._best.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from ``state``."""
        restore(state, self._learner.learned, self._optimizer, self._generator)
        self._best = part(state, "best")


def _normalized(prior: Sequence[float] | None, device: torch.device) -> Tensor | None:
    """``prior`` as shares that sum to 1."""
    if prior is None:
        return None
    shares = torch.tensor(prior, dtype=torch.float32, device=device)
    return shares / shares.sum()
