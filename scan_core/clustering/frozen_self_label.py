"""The self-labeling step on a frozen encoder: the head alone learns, from cached features."""

from collections.abc import Mapping

import torch
from jaxtyping import Int64
from torch import Tensor

from scan_core.clustering.cached_features import CachedFeatures
from scan_core.clustering.confident import count_confident, self_label_metrics
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.pseudo_label_loss import pseudo_label_loss
from scan_core.data.batches import shuffled_batches
from scan_core.runtime.meter import Meter
from scan_core.runtime.moving_average import MovingAverage
from scan_core.runtime.precision import autocast
from scan_core.runtime.progress import steps
from scan_core.runtime.state import State, capture, part, restore
from scan_core.runtime.update import make_optimizer, update


class FrozenSelfLabelTraining:
    """As ``SelfLabelTraining``, for the head of the one-headed ``model`` alone.

    Instead of a fresh augmentation in each step, an image shows one of its V cached views, drawn at random.

    Args:
        features: of the images to learn from, at least one view, by the encoder of ``model``.
        threshold, optimizer, ema_decay: as there.
    """

    def __init__(
        self,
        model: ClusteringModel,
        features: CachedFeatures,
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
        self._encoder, self._head, self._features, self._generator = model.encoder, model.heads, features, generator
        self._threshold, self._class_balance = threshold, class_balance
        self._batch_size, self._learning_rate, self._precision = batch_size, learning_rate, precision
        self._optimizer = make_optimizer(optimizer, self._head, momentum=momentum, weight_decay=weight_decay)
        self._average = None if ema_decay is None else MovingAverage(self._head, decay=ema_decay)

    def run_epoch(self) -> dict[str, float]:
        """Train for one epoch; returns its averages and how many training images are confident after it.

        A step without a confident image leaves the weights alone and is no ``active`` one.

        Raises:
            TrainingError: no confident image in the whole epoch, or the loss is not finite.
        """
        meter = Meter(self._features.device)
        rows = shuffled_batches(len(self._features), self._batch_size, self._generator)
        views = torch.randint(self._features.views, rows.shape, generator=self._generator)
        for batch, seen in steps(zip(rows, views, strict=True), total=len(rows)):
            with autocast(self._features.device, self._precision):
                with torch.no_grad():
                    (logits,) = self._head(self._features.gather(batch, torch.full_like(seen, -1)))
                (augmented_logits,) = self._head(self._features.gather(batch, seen))
            loss, confident = pseudo_label_loss(
                logits, augmented_logits, threshold=self._threshold, class_balance=self._class_balance
            )
            nobody = ~confident.any()
            broken = update(self._optimizer, loss, learning_rate=self._learning_rate, skip=nobody)
            if self._average:
                self._average.update(self._head)
            meter.add(broken, loss=loss, active=~nobody, confident_share=confident.float().mean())
        averages = meter.read(self._head, learning_rate=self._learning_rate)
        return self_label_metrics(averages, self.confident, threshold=self._threshold)

    @torch.no_grad()
    def confident(self) -> Int64[Tensor, " clusters"]:
        """How many training images, not augmented, each cluster gets with a probability above the threshold."""
        head = self._average.module if self._average else self._head
        with autocast(self._features.device, self._precision):
            logits = torch.cat([head(features)[0].float() for features in self._features.as_they_are()])
        return count_confident(logits, threshold=self._threshold)

    def weights(self) -> State:
        """The model's weights as they are now; with ``ema_decay``, their average."""
        head = self._average.module if self._average else self._head
        encoder = {f"encoder.{name}": value for name, value in self._encoder.state_dict().items()}
        return encoder | {f"heads.{name}": value.clone() for name, value in head.state_dict().items()}

    def state_dict(self) -> State:
        """Everything that :meth:`load_state_dict` needs to go on identically; the encoder does not change."""
        average = self._average.state_dict() if self._average else {}
        state = capture(self._head, self._optimizer, self._generator)
        return state | {f"average.{name}": value for name, value in average.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from ``state``."""
        restore(state, self._head, self._optimizer, self._generator)
        if self._average:
            self._average.load_state_dict(part(state, "average"))
