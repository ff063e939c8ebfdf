"""The self-labeling step: confident images teach the others (SCAN, section 2.3)."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Int64
from torch import Tensor

from scan_core.augment.draws import part_generator
from scan_core.augment.normalize import normalize
from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.pseudo_label_loss import pseudo_label_loss
from scan_core.data.batches import shuffled_batches
from scan_core.data.images import Images
from scan_core.encoders.inference import infer
from scan_core.errors import TrainingError
from scan_core.runtime.distributed import part_of_batch, replicate, total
from scan_core.runtime.meter import Meter
from scan_core.runtime.precision import autocast
from scan_core.runtime.progress import steps
from scan_core.runtime.state import State, capture, restore
from scan_core.runtime.update import adam, update


class SelfLabelTraining:
    """One call of :meth:`run_epoch` after the other trains the one-headed ``model`` on its own confident images.

    Args:
        image_ids: int64 [M], the images to learn from.
        threshold: the probability above which an image is confident, in (0, 1).
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
    ) -> None:
        self._model, self._images, self._image_ids = model, images, image_ids
        self._network = replicate(model)
        self._augmentation, self._generator = augmentation, part_generator(generator, groups=1)
        self._threshold, self._class_balance = threshold, class_balance
        self._batch_size, self._learning_rate, self._precision = batch_size, learning_rate, precision
        self._optimizer = adam(model, weight_decay=weight_decay)

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
            meter.add(broken, loss=loss, active=~nobody, confident_share=confident.float().mean())
        averages = meter.read(self._model, learning_rate=self._learning_rate)
        if averages["confident_share"] == 0:
            raise TrainingError(
                f"no image is assigned with a probability above {self._threshold}; "
                "lower self_label.threshold, or train the SCAN step longer (scan.epochs)"
            )
        counts = self.confident()
        return {
            **averages,
            "loss": averages["loss"] / averages["active"],
            "confident": float(counts.sum()),
            "confident_smallest_cluster": float(counts.min()),
            "confident_largest_cluster": float(counts.max()),
        }

    def confident(self) -> Int64[Tensor, " clusters"]:
        """How many training images, not augmented, each cluster gets with a probability above the threshold."""
        (logits,) = infer(
            self._model,
            self._images,
            self._image_ids,
            mean=self._augmentation.mean,
            std=self._augmentation.std,
            precision=self._precision,
        )
        confidence, cluster = logits.softmax(-1).max(-1)
        return cluster[confidence > self._threshold].bincount(minlength=logits.shape[-1])

    def weights(self) -> State:
        """The model's weights as they are now."""
        return {name: value.clone() for name, value in self._model.state_dict().items()}

    def state_dict(self) -> State:
        """Everything that :meth:`load_state_dict` needs to go on identically."""
        return capture(self._model, self._optimizer, self._generator)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from ``state``."""
        restore(state, self._model, self._optimizer, self._generator)


def plateaued(confident: Sequence[float], *, patience: int) -> bool:
    """Whether the last ``patience`` epochs have brought no more confident images than an epoch before them had."""
    return len(confident) > patience and max(confident[-patience:]) <= max(confident[:-patience])
