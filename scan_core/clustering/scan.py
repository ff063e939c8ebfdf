"""The clustering step: an image and its neighbors get the same cluster (SCAN, section 2.2)."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Int64
from torch import Tensor

from scan_core.augment.draws import part_generator
from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.model import ClusteringModel, select_head
from scan_core.clustering.pairs import draw_partners
from scan_core.clustering.scan_loss import scan_loss
from scan_core.clustering.selection import check_selection, selection_loss, selection_metrics
from scan_core.data.batches import shuffled_batches
from scan_core.data.images import Images
from scan_core.encoders.inference import infer
from scan_core.runtime.distributed import part_of_batch, replicate
from scan_core.runtime.meter import Meter
from scan_core.runtime.precision import autocast
from scan_core.runtime.progress import steps
from scan_core.runtime.state import State, capture, part, restore
from scan_core.runtime.update import make_optimizer, update


class ScanTraining:
    """One call of :meth:`run_epoch` after the other trains ``model`` and keeps its best epoch and head.

    Args:
        image_ids: int64 [M], the images to learn from.
        neighbor_rows: the neighbors of each, as rows of ``image_ids``.
        prior: known shares of the clusters, or None for equal ones.
        optimizer: ``adam``, or ``sgd`` with ``momentum``.
    """

    def __init__(
        self,
        model: ClusteringModel,
        images: Images,
        image_ids: Int64[Tensor, " images"],
        neighbor_rows: Int64[Tensor, "images neighbors"],
        augmentation: Augmentation,
        *,
        entropy_weight: float,
        prior: Sequence[float] | None,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        precision: str,
        generator: torch.Generator,
        optimizer: str = "adam",
        momentum: float = 0.0,
    ) -> None:
        self._model, self._images, self._image_ids, self._neighbor_rows = model, images, image_ids, neighbor_rows
        self._network = replicate(model)
        self._augmentation, self._generator = augmentation, part_generator(generator, groups=2)
        self._entropy_weight, self._prior = entropy_weight, normalized_prior(prior, images.device)
        self._batch_size, self._learning_rate, self._precision = batch_size, learning_rate, precision
        self._optimizer = make_optimizer(optimizer, model, momentum=momentum, weight_decay=weight_decay)
        self._best: State = {"loss": torch.tensor(torch.inf)}

    def run_epoch(self) -> dict[str, float]:
        """Train for one epoch; returns its averages and the loss on the images as they are, of the best head.

        Raises:
            TrainingError: the loss is not finite.
        """
        self._model.train()
        meter = Meter(self._images.device)
        rows = shuffled_batches(len(self._image_ids), self._batch_size, self._generator)
        partners = draw_partners(rows, self._neighbor_rows, self._generator)
        pairs = torch.cat([part_of_batch(rows), part_of_batch(partners)], dim=1)
        for pixels in steps(self._images.batches(self._image_ids[pairs].unbind()), total=len(rows)):
            views = self._augmentation(pixels, self._generator)
            with autocast(self._images.device, self._precision):
                logits = self._network(views)
            anchor, neighbor = logits.chunk(2, dim=1)
            loss = scan_loss(anchor, neighbor, entropy_weight=self._entropy_weight, prior=self._prior)
            broken = update(self._optimizer, loss.total.sum(), learning_rate=self._learning_rate)
            meter.add(broken, loss=loss.total.mean(), consistency=loss.consistency.mean(), entropy=loss.entropy.mean())
        return {**meter.read(self._model, learning_rate=self._learning_rate), **self._select()}

    def _select(self) -> dict[str, float]:
        """Score every head on the images as they are, and keep the best one seen."""
        logits = infer(
            self._model,
            self._images,
            self._image_ids,
            mean=self._augmentation.mean,
            std=self._augmentation.std,
            precision=self._precision,
        )
        loss = selection_loss(
            logits, self._neighbor_rows.to(logits.device), entropy_weight=self._entropy_weight, prior=self._prior
        )
        head = check_selection(loss, learning_rate=self._learning_rate)
        if loss.total[head] < self._best["loss"].item():
            weights = select_head(self._model.state_dict(), head)
            self._best = {"loss": loss.total[head].cpu(), **{f"model.{name}": w.clone() for name, w in weights.items()}}
        sizes = logits[head].argmax(-1).bincount(minlength=logits.shape[-1])
        return selection_metrics(loss, sizes, head=head)

    def best(self) -> tuple[State, float]:
        """The weights, with one head, of the epoch and head with the lowest selection loss, and that loss."""
        return part(self._best, "model"), float(self._best["loss"])

    def state_dict(self) -> State:
        """Everything that :meth:`load_state_dict` needs to go on identically."""
        state = capture(self._model, self._optimizer, self._generator)
        return state | {f"best.{name}": value for name, value in self._best.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from ``state``."""
        restore(state, self._model, self._optimizer, self._generator)
        self._best = part(state, "best")


def normalized_prior(prior: Sequence[float] | None, device: torch.device) -> Tensor | None:
    """``prior`` as shares that sum to 1."""
    if prior is None:
        return None
    shares = torch.tensor(prior, dtype=torch.float32, device=device)
    return shares / shares.sum()
