"""Train the self-labeling step: confident images teach the others (SCAN, section 2.3)."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from scan_core.augment.draws import part_generator
from scan_core.clustering.make_learner import Learner
from scan_core.clustering.pseudo_label_loss import pseudo_label_loss
from scan_core.clustering.verdict import Clustering, describe, draw_sample
from scan_core.console.progress import steps
from scan_core.machine.cpu_threads import FittingThreads
from scan_core.training.batches import shuffled_batches
from scan_core.training.meter import Meter
from scan_core.training.moving_average import MovingAverage
from scan_core.training.state import State, capture, part, restore
from scan_core.training.update import make_optimizer, update


class SelfLabelTraining:
    """Train the one-headed ``learner`` on its own confident predictions, an epoch for each call of :meth:`run_epoch`.

    It keeps the last epoch whose clusters are no worse than those of the SCAN step, judged without labels; see
    :meth:`scan_core.clustering.verdict.Clustering.is_no_worse`.

    Args:
        neighbor_rows: the neighbors of each image, as rows of ``learner``; each epoch is judged on a sample of the
            images and their neighbors, without augmentation.
        threshold: the probability above which an image is confident, in (0, 1).
        optimizer: ``adam``, or ``sgd`` with ``momentum``.
        ema_decay: decay of a moving average of the weights, which becomes the result; None takes the weights
            themselves. Pseudo-labels always come from the weights, as in FixMatch (Sohn et al., 2020).
    """

    confident: Float[Tensor, " clusters"]
    """Number of confident images of each cluster in the last epoch, without those of skipped steps; 0 at first."""

    def __init__(
        self,
        learner: Learner,
        neighbor_rows: Int64[Tensor, "images neighbors"],
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
        clusters = learner.model.heads.bias.shape[-1]
        self._sample = draw_sample(neighbor_rows, clusters, torch.Generator().manual_seed(generator.initial_seed()))
        self.images = len(learner)
        self.scan = self._describe()
        """The clustering before the first epoch."""
        self._best: State = {}
        self._epoch = 0
        self.confident = torch.zeros(clusters, device=learner.device)

    def run_epoch(self) -> dict[str, float]:
        """Train for one epoch; return its averages, the number of confident images, how the sample is clustered now
        (``agreement`` with the neighbors, ``entropy``, ``confident_share`` of the cluster where it is smallest,
        ``clusters_lost``), and whether the epoch is ``kept``.

        A step without a confident image updates the running statistics of batch normalization, but no weight; it does
        not count as ``active``. The loss is averaged over active steps; it is 0 if there is none.

        Raises:
            TrainingError: the loss is not finite.
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
        now = self._describe()
        self._epoch += 1
        kept = sum(count > 0 for count in confident) > 1 and now.is_no_worse(self.scan)
        if kept:
            weights = {f"model.{name}": value.clone() for name, value in self._kept.state_dict().items()}
            self._best = {"epoch": torch.tensor(self._epoch), "confident": self.confident.clone(), **weights}
        return {
            **averages,
            "loss": averages["loss"] / averages["active"] if averages["active"] else 0.0,
            "agreement": now.agreement,
            "entropy": now.entropy,
            "confident_share": now.confident,
            "clusters_lost": float(now.lost(self.scan)),
            "kept": float(kept),
            "clusters_taught": float(sum(count > 0 for count in confident)),
            "confident": sum(confident),
            "confident_smallest_cluster": min(confident),
            "confident_largest_cluster": max(confident),
        }

    def _describe(self) -> Clustering:
        """Describe how the weights that would be kept cluster the sample."""
        if self._average:
            weights = {name: value.clone() for name, value in self._learner.learned.state_dict().items()}
            self._learner.learned.load_state_dict(self._average.state_dict())
        (logits,) = self._learner.of_images(self._sample.rows)
        if self._average:
            self._learner.learned.load_state_dict(weights)
        return describe(logits, self._sample.neighbors, threshold=self._threshold)

    def best(self) -> tuple[State, int, Float[Tensor, " clusters"]]:
        """Return the weights of the epoch that is kept, its number (from 1), and its :attr:`confident` images.

        If no epoch is kept, return no weights, 0, and the confident images of the last epoch.
        """
        kept = part(self._best, "model")
        weights = {**self._learner.model.state_dict(), **kept} if kept else {}
        return weights, int(self._best.get("epoch", 0)), self._best.get("confident", self.confident)

    def weights(self) -> State:
        """Return the model's present weights; with ``ema_decay``, their moving average."""
        weights = {**self._learner.model.state_dict(), **self._kept.state_dict()}
        return {name: value.clone() for name, value in weights.items()}

    def state_dict(self) -> State:
        """Return all that :meth:`load_state_dict` needs to continue identically; weights that stay are left out."""
        average = self._average.state_dict() if self._average else {}
        state = capture(self._learner.learned, self._optimizer, self._generator)
        state |= {f"average.{name}": value for name, value in average.items()}
        state |= {f"best.{name}": value for name, value in self._best.items()}
        return state | {"confident": self.confident, "epoch": torch.tensor(self._epoch)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Continue from ``state``."""
        restore(state, self._learner.learned, self._optimizer, self._generator)
        self.confident = state["confident"].to(self._learner.device)
        self._epoch, self._best = int(state["epoch"]), part(state, "best")
        if self._average:
            self._average.load_state_dict(part(state, "average"))


def why_over(history: Sequence[Mapping[str, float]], *, patience: int) -> str | None:
    """Return the reason to end the training after the epochs of ``history``; None to continue.

    An epoch leaves out the images that do not fill a batch, different ones each time, so the numbers vary a little if
    there are few images.
    """
    if history and not history[-1]["confident"]:
        return "no image was confident"
    if history and history[-1]["clusters_taught"] == 1:
        return "all confident images were in one cluster"
    confident, kept = ([metrics[name] for metrics in history] for name in ("confident", "kept"))
    if len(kept) >= patience and not any(kept[-patience:]):
        return f"after each of the last {patience} the clusters were worse than the SCAN step's (self_label.patience)"
    if len(confident) > patience and max(confident[-patience:]) <= max(confident[:-patience]):
        return f"the last {patience} brought no more confident images (self_label.patience)"
    return None
