"""Every pretext task, by name."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from scan_core.encoders.pretext_model import PretextModel
from scan_core.pretext.simclr import simclr
from scan_core.training.loop import Training


@runtime_checkable
class PretextTraining(Training, Protocol):
    """The training of a pretext task."""

    model: PretextModel
    shown: tuple[str, ...]
    """The metrics of an epoch that a person sees."""
    chance: float
    """The ``loss``, in nats, of a model that says the same of every image."""
    costs: Sequence[float]
    """Of the epochs, relative to each other."""


TASKS: dict[str, Callable[..., PretextTraining]] = {"simclr": simclr}
"""Called with an encoder, the images, the ids of those to learn from and their augmentation; by keyword with the
settings of the task's own and with those that all tasks have (see :class:`scan_core.pretext.simclr.SimclrTraining`)."""
