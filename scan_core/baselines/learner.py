"""What all baselines that train a network have in common: images, batches, optimizer and schedule."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor, nn

from scan_core.augment.batches import augmented_batches
from scan_core.augment.normalize import normalize
from scan_core.augment.pipeline import Augmentation
from scan_core.console.progress import track
from scan_core.encoders.inference import infer
from scan_core.errors import DataError
from scan_core.images.images import Images
from scan_core.training.batches import shuffled_batches, steps_per_epoch
from scan_core.training.meter import Meter
from scan_core.training.schedule import warmup_cosine
from scan_core.training.update import adam, update

BATCH_SIZE = 64
"""Images in a step; all of them if there are fewer."""
FINAL_LEARNING_RATE = 0.01
"""Learning rate at the end of the cosine, relative to the first one."""


class Pictures(NamedTuple):
    """The images that a method clusters, and those that it is trained on."""

    images: Images
    fit_ids: Int64[np.ndarray, " fit"]
    augmentation: Augmentation
    """Also has the normalization of the images."""

    def outputs(self, network: nn.Module) -> Float32[Tensor, "*heads images outputs"]:
        """Return the outputs of ``network``, in evaluation mode, for all images without augmentation."""
        mean, std = self.augmentation.mean, self.augmentation.std
        return infer(network, self.images, torch.arange(len(self.images)), mean=mean, std=std, precision="float32")


class Batch(NamedTuple):
    """The images of a step, normalized."""

    rows: Int64[Tensor, " batch"]
    """Their positions among the training images, on the images' device."""
    plain: Float[Tensor, "batch channels height width"]
    augmented: Float[Tensor, "views_of_batch channels new_height new_width"]
    """Augmented views: the first of all images, then the second."""


class Learner:
    """Trains ``network`` on ``pictures`` with Adam; the learning rate follows a half cosine over all ``epochs``.

    Args:
        views: number of augmented views of each image in a step.

    Raises:
        DataError: fewer training images than ``clusters``, or than two.
    """

    def __init__(
        self,
        network: nn.Module,
        pictures: Pictures,
        *,
        clusters: int,
        epochs: int,
        learning_rate: float,
        generator: torch.Generator,
        views: int = 1,
    ) -> None:
        count = len(pictures.fit_ids)
        if count < max(2, clusters):
            raise DataError(f"{count} training images, expected at least {max(2, clusters)}; lower scan.clusters")
        self._network, self._pictures, self._generator = network.to(pictures.images.device), pictures, generator
        self._fit_ids = torch.from_numpy(pictures.fit_ids)
        self._batch_size = min(BATCH_SIZE, count)
        total = epochs * steps_per_epoch(count, self._batch_size)
        self._rates = [
            warmup_cosine(step, total=total, warmup=0, peak=learning_rate, final=FINAL_LEARNING_RATE)
            for step in range(total)
        ]
        self._optimizer = adam(network, weight_decay=0.0)
        self._epochs, self._step, self._views = epochs, 0, views

    def epochs(self, description: str) -> Iterator[int]:
        """Yield the number of each epoch, from 0, with a progress bar."""
        return iter(track(range(self._epochs), description=description, total=self._epochs, unit="epochs"))

    def run_epoch(
        self, loss: Callable[[Batch], Float[Tensor, ""]], *, sample: Int64[Tensor, " sample"] | None = None
    ) -> float:
        """Minimize ``loss`` for one epoch, and return its mean.

        Args:
            sample: positions of the training images to use, with repetitions, as many as there are training images;
                None uses each image once.

        Raises:
            TrainingError: the loss is not finite in too many steps.
        """
        self._network.train()
        images, augmentation = self._pictures.images, self._pictures.augmentation
        meter = Meter(images.device)
        rows = shuffled_batches(len(self._fit_ids), self._batch_size, self._generator)
        rows = rows if sample is None else sample[rows]
        batches = augmented_batches(images, self._fit_ids[rows], augmentation, self._generator, views=self._views)
        rate = 0.0
        for (pixels, augmented), batch in zip(batches, rows.to(images.device), strict=True):
            value = loss(Batch(batch, normalize(pixels, augmentation.mean, augmentation.std), augmented))
            rate = self._rates[self._step]
            meter.add(update(self._optimizer, value, learning_rate=rate), loss=value)
            self._step += 1
        return meter.read(self._network, learning_rate=rate)["loss"]
