"""Say what the clustering steps can train: a network on images, or heads alone on cached features."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from scan_core.clustering.model import ClusteringModel

Rows = Int64[Tensor, "steps batch"]


@runtime_checkable
class Learner(Protocol):
    """The logits from which :class:`ScanTraining` and :class:`SelfLabelTraining` compute their losses.

    A row is the number of an image to learn from, below ``len(learner)``. The iterators compute the logits of a step
    when they are asked for, with the weights of that moment.
    """

    @property
    def model(self) -> ClusteringModel: ...

    @property
    def learned(self) -> nn.Module:
        """Return the module that the optimizer updates: ``model``, or a part of it with the same names of weights."""
        ...

    @property
    def device(self) -> torch.device: ...

    def __len__(self) -> int: ...

    def pairs(
        self, rows: Rows, partners: Rows, generator: torch.Generator
    ) -> Iterator[Float[Tensor, "heads batch_twice clusters"]]:
        """Yield, for each step, the logits of the images ``rows`` and then of their ``partners``, all augmented."""
        ...

    def plain_and_augmented(
        self, rows: Rows, generator: torch.Generator
    ) -> Iterator[tuple[Float[Tensor, "batch clusters"], Float[Tensor, "batch clusters"]]]:
        """Yield, for each step, the first head's logits: without augmentation and gradient, and with both."""
        ...

    def of_images(self, rows: Int64[Tensor, " images"] | None = None) -> Iterator[Float[Tensor, "images clusters"]]:
        """Yield, for one head after another, the logits of the images ``rows``, or of all, without augmentation, in
        float32 and without gradient."""
        ...
