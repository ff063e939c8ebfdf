"""Train any pretext task with augmented views, SGD and a cosine schedule."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from scan_core.augment.batches import augmented_batches
from scan_core.augment.draws import part_generator
from scan_core.augment.pipeline import Augmentation
from scan_core.console.progress import steps
from scan_core.encoders.pretext_model import PretextModel
from scan_core.images.images import Images
from scan_core.machine.cpu_threads import FittingThreads
from scan_core.parallel.distributed import part_of_batch, replicate
from scan_core.pretext.small_crops import SmallCrops
from scan_core.pretext.task import Task
from scan_core.training.batches import shuffled_batches, steps_per_epoch
from scan_core.training.compiled import compiled
from scan_core.training.meter import Meter
from scan_core.training.precision import autocast
from scan_core.training.schedule import warmup_cosine
from scan_core.training.state import State, capture, restore
from scan_core.training.update import sgd, update


class PretextTraining:
    """Train the model of ``task`` on ``images``, on their device; each call of :meth:`run_epoch` is one epoch.

    Args:
        image_ids: int64 [M], the training images.
        epochs: the length of the learning-rate schedule.
        small_crops: the augmentation of the first epochs, in place of ``augmentation``.
        learning_rate: the schedule's peak; it ends at ``final_learning_rate`` times this.
        compile: whether to compile the network; see :func:`scan_core.training.compiled.compiled`.
    """

    shown: tuple[str, ...] = ("loss", "contrastive_accuracy")
    """The metrics of an epoch that are shown on the terminal."""

    def __init__(
        self,
        task: Task,
        images: Images,
        image_ids: Tensor,
        augmentation: Augmentation,
        *,
        epochs: int,
        batch_size: int,
        learning_rate: float,
        momentum: float,
        weight_decay: float,
        warmup_epochs: float,
        final_learning_rate: float,
        precision: str,
        generator: torch.Generator,
        small_crops: SmallCrops | None = None,
        compile: bool = False,
    ) -> None:
        self.task, self._images, self._image_ids = task.to(images.device), images, image_ids
        self._small = small_crops or SmallCrops(augmentation, epochs=0, cost=1.0)
        self.costs: Sequence[float] = [self._small.cost] * self._small.epochs + [1.0] * (epochs - self._small.epochs)
        """Relative time of each epoch."""
        network = replicate(task.learned)
        self._network = compiled(network) if compile else network
        self._augmentation, self._generator = augmentation, part_generator(generator, groups=task.views)
        self._precision, self._batch_size = precision, batch_size
        self._optimizer = sgd(task.learned, momentum=momentum, weight_decay=weight_decay)
        per_epoch = steps_per_epoch(len(image_ids), batch_size)
        self._schedule = [
            warmup_cosine(
                step,
                total=epochs * per_epoch,
                warmup=round(warmup_epochs * per_epoch),
                peak=learning_rate,
                final=final_learning_rate,
            )
            for step in range(epochs * per_epoch)
        ]
        self._small_steps = self._small.epochs * per_epoch
        self._threads = FittingThreads(images.device)
        self._step = 0

    @property
    def model(self) -> PretextModel:
        """Return the model that is trained."""
        return self.task.model

    def run_epoch(self) -> dict[str, float]:
        """Train for one epoch; return its mean loss and contrastive accuracy, and its last learning rate.

        Raises:
            TrainingError: the loss is not finite in too many steps.
        """
        self.task.train()
        meter = Meter(self._images.device)
        rows = shuffled_batches(len(self._image_ids), self._batch_size, self._generator)
        ids = self._image_ids[part_of_batch(rows)]
        augmentation = self._small.augmentation if self._step < self._small_steps else self._augmentation
        batches = augmented_batches(self._images, ids, augmentation, self._generator, views=self.task.views)
        watched = steps(self._threads.watch(batches), total=len(rows))
        for (_, views), batch in zip(watched, rows.to(self._images.device, non_blocking=True), strict=True):
            with autocast(self._images.device, self._precision):
                projections = self.task.project(self._network, views)
            loss, accuracy = self.task.loss(projections, batch)
            broken = update(self._optimizer, loss, learning_rate=self._schedule[self._step])
            self.task.after_step(projections.detach(), batch, broken)
            meter.add(broken, loss=loss, contrastive_accuracy=accuracy)
            self._step += 1
        learning_rate = self._schedule[self._step - 1]
        return {**meter.read(self.task, learning_rate=learning_rate), "learning_rate": learning_rate}

    def state_dict(self) -> State:
        """Return all that :meth:`load_state_dict` needs to continue identically."""
        state = capture(self.task, self._optimizer, self._generator)
        return state | {"step": torch.tensor(self._step)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Continue from ``state``."""
        restore(state, self.task, self._optimizer, self._generator)
        self._step = int(state["step"])
