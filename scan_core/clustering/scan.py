"""Train the clustering step: an image and its neighbors get the same cluster (SCAN, section 2.2)."""

from collections.abc import Mapping

import torch
from jaxtyping import Int64
from torch import Tensor

from scan_core.augment.draws import part_generator
from scan_core.clustering.make_learner import Learner
from scan_core.clustering.merge_heads import merge_heads
from scan_core.clustering.model import select_head
from scan_core.clustering.objective import Objective
from scan_core.clustering.pairs import draw_partners
from scan_core.clustering.selection import best_head
from scan_core.console.progress import steps
from scan_core.machine.cpu_threads import FittingThreads
from scan_core.training.batches import shuffled_batches
from scan_core.training.chance import information
from scan_core.training.meter import Meter
from scan_core.training.state import State, capture, part, restore
from scan_core.training.update import make_optimizer, update


class ScanTraining:
    """Train ``learner``, an epoch for each call of :meth:`run_epoch`, and keep the best epoch and head.

    Args:
        neighbor_rows: the neighbors of each image, as rows of ``learner``.
        objective: the loss that is minimized, and the one by which the best epoch and head are chosen.
        optimizer: ``adam``, or ``sgd`` with ``momentum``.
        merges: keep the average of the better half of the heads instead of the best one; see :func:`merge_heads`.
    """

    def __init__(
        self,
        learner: Learner,
        neighbor_rows: Int64[Tensor, "images neighbors"],
        *,
        objective: Objective,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        generator: torch.Generator,
        optimizer: str = "adam",
        momentum: float = 0.0,
        merges: bool = False,
    ) -> None:
        self._learner, self._neighbor_rows, self._merges = learner, neighbor_rows, merges
        self._generator = part_generator(generator, groups=2)
        self._objective = objective
        self._batch_size, self._learning_rate = batch_size, learning_rate
        self._optimizer = make_optimizer(optimizer, learner.learned, momentum=momentum, weight_decay=weight_decay)
        self._threads = FittingThreads(learner.device)
        self._best: State = {"loss": torch.tensor(torch.inf)}

    def run_epoch(self) -> dict[str, float]:
        """Train for one epoch; return its averages, and the best head's loss on the images without augmentation.

        Raises:
            TrainingError: the loss is not finite.
        """
        meter = Meter(self._learner.device)
        rows = shuffled_batches(len(self._learner), self._batch_size, self._generator)
        partners = draw_partners(rows, self._neighbor_rows, self._generator)
        batches = self._learner.pairs(rows, partners, self._generator)
        for logits in steps(self._threads.watch(batches), total=len(rows)):
            anchor, neighbor = logits.chunk(2, dim=1)
            loss = self._objective.loss(anchor, neighbor)
            broken = update(self._optimizer, loss.total.sum(), learning_rate=self._learning_rate)
            parts = {name: value.mean() for name, value in loss._asdict().items() if name != "total"}
            meter.add(broken, loss=loss.total.mean(), **parts)
        return {**meter.read(self._learner.learned, learning_rate=self._learning_rate), **self._select()}

    def _select(self) -> dict[str, float]:
        """Compute the selection loss of each head; keep the best head, or the average of the better half, if it is the
        best so far."""
        rows = self._neighbor_rows.to(self._learner.device)
        losses, sizes, tells, logits = [], [], [], []
        for of_head in self._learner.of_images():
            losses.append(self._objective.selection(of_head, rows))
            sizes.append(of_head.argmax(-1).bincount(minlength=of_head.shape[-1]))
            tells.append(information(of_head.softmax(-1)))
            logits += [of_head] if self._merges else []
        totals = torch.stack([loss.total for loss in losses])
        head = best_head(totals, learning_rate=self._learning_rate)
        loss, size, told = losses[head], sizes[head], tells[head]
        weights = select_head(self._learner.learned.state_dict(), head)
        chosen = {"head": float(head)}
        if self._merges:
            better = totals.argsort(stable=True)[: max(1, len(totals) // 2)]
            weights, together = merge_heads(self._learner.learned.state_dict(), logits, better)
            loss = self._objective.selection(together, rows)
            size, told = together.argmax(-1).bincount(minlength=together.shape[-1]), information(together.softmax(-1))
            chosen = {"heads_merged": float(len(better))}
        if loss.total < self._best["loss"].item():
            self._best = {"loss": loss.total.cpu(), **{f"model.{name}": w.clone() for name, w in weights.items()}}
        parts = {f"selection_{name}": float(value) for name, value in loss._asdict().items() if name != "total"}
        return {
            "selection_loss": float(loss.total),
            **parts,
            "selection_information": told,
            "clusters_used": float((size > 0).sum()),
            "largest_cluster": float(size.max() / size.sum()),
            **chosen,
        }

    def best(self) -> tuple[State, float]:
        """Return the model's weights, with one head, of the epoch with the lowest selection loss, and that loss."""
        return {**self._learner.model.state_dict(), **part(self._best, "model")}, float(self._best["loss"])

    def state_dict(self) -> State:
        """Return all that :meth:`load_state_dict` needs to continue identically; weights that stay are left out."""
        state = capture(self._learner.learned, self._optimizer, self._generator)
        return state | {f"best.{name}": value for name, value in self._best.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Continue from ``state``."""
        restore(state, self._learner.learned, self._optimizer, self._generator)
        self._best = part(state, "best")
