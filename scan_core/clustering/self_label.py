"""The self-labeling step: confident images teach the others (SCAN, section 2.3)."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Int64
from torch import Tensor

from scan_core.augment.draws import part_generator
from scan_core.augment.normalize import normalize
from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.confident import count_confident, self_label_metrics
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.pseudo_label_loss import pseudo_label_loss
from scan_core.data.batches import shuffled_batches
from scan_core.data.images import Images
from scan_core.encoders.inference import infer
from scan_core.runtime.distributed import part_of_batch, replicate, total
from scan_core.runtime.meter import Meter
from scan_core.runtime.moving_average import MovingAverage
from scan_core.runtime.precision import autocast
from scan_core.runtime.progress import steps
from scan_core.runtime.state import State, capture, part, restore
from scan_core.runtime.update import make_optimizer, update


class SelfLabelTraining:
    """One call of :meth:`run_epoch` after the other trains the one-headed ``model`` on its own confident images.

    Args:
        image_ids: int64 [M], the images to learn from.
        threshold: the probability above which an image is confident, in (0, 1).
        optimizer: ``adam``, or ``sgd`` with ``momentum``.
        ema_decay: of the average of the weights that is scored and kept in their place; None keeps the weights
            themselves. Pseudo-labels come from the weights in both cases, as in FixMatch (Sohn et al., 2020).
    """

    def __init__(
        self,
        model: ClusteringModel,
        images: Images,
        image_ids: Int64[Tensor, " images"],
        augmentation: Augmentation,
        *,
        threshold: float,
        class_balance: bool,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        precision: str,
        generator: torch.Generator,
        optimizer: str = "adam",
        momentum: float = 0.0,
        ema_decay: float | None = None,
    ) -> None:
        self._model, self._images, self._image_ids = model, images, image_ids
        self._network = replicate(model)
        self._augmentation, self._generator = augmentation, part_generator(generator, groups=1)
        self._threshold, self._class_balance = threshold, class_balance
        self._batch_size, self._learning_rate, self._precision = batch_size, learning_rate, precision
        self._optimizer = make_optimizer(optimizer, model, momentum=momentum, weight_decay=weight_decay)
        self._average = None if ema_decay is None else MovingAverage(model, decay=ema_decay)
        self._scored: ClusteringModel = self._average.module if self._average else model

    def run_epoch(self) -> dict[str, float]:
        """Train for one epoch; returns its averages and how many training images are confident after it.

        A step without a confident image leaves the weights alone and is no ``active`` one.

        Raises:
            TrainingError: no confident image in the whole epoch, or the loss is not finite.
        """
        meter = Meter(self._images.device)
        rows = shuffled_batches(len(self._image_ids), self._batch_size, self._generator)
        for pixels in steps(self._images.batches(self._image_ids[part_of_batch(rows)].unbind()), total=len(rows)):
            self._model.eval()
            with torch.no_grad(), autocast(self._images.device, self._precision):
                (logits,) = self._model(normalize(pixels, self._augmentation.mean, self._augmentation.std))
            self._model.train()
            with autocast(self._images.device, self._precision):
                (augmented_logits,) = self._network(self._augmentation(pixels, self._generator))
            loss, confident = pseudo_label_loss(
                logits, augmented_logits, threshold=self._threshold, class_balance=self._class_balance
            )
            nobody = total(confident.float().sum()) == 0
            broken = update(self._optimizer, loss, learning_rate=self._learning_rate, skip=nobody)
            if self._average:
                self._average.update(self._model)
            meter.add(broken, loss=loss, active=~nobody, confident_share=confident.float().mean())
        averages = meter.read(self._model, learning_rate=self._learning_rate)
        return self_label_metrics(averages, self.confident, threshold=self._threshold)

    def confident(self) -> Int64[Tensor, " clusters"]:
        """How many training images, not augmented, each cluster gets with a probability above the threshold."""
        (logits,) = infer(
            self._scored,
            self._images,
            self._image_ids,
            mean=self._augmentation.mean,
            std=self._augmentation.std,
            precision=self._precision,
        )
        return count_confident(logits, threshold=self._threshold)

    def weights(self) -> State:
        """The model's weights as they are now; with ``ema_decay``, their average."""
        return {name: value.clone() for name, value in self._scored.state_dict().items()}

    def state_dict(self) -> State:
        """Everything that :meth:`load_state_dict` needs to go on identically."""
        average = self._average.state_dict() if self._average else {}
        state = capture(self._model, self._optimizer, self._generator)
        return state | {f"average.{name}": value for name, value in average.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from ``state``."""
        restore(state, self._model, self._optimizer, self._generator)
        if self._average:
            self._average.load_state_dict(part(state, "average"))


def plateaued(confident: Sequence[float], *, patience: int) -> bool:
    """Whether the last ``patience`` epochs have brought no more confident images than an epoch before them had."""
    return len(confident) > patience and max(confident[-patience:]) <= max(confident[:-patience])
