"""The interface of what the clustering steps train: a network on images, or its heads on cached features."""

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

    Rows count the images to learn from, of which there are ``len(learner)``. The iterators compute each step's logits
    when it is asked for, with the weights of that moment.
    """

    @property
    def model(self) -> ClusteringModel: ...

    @property
    def learned(self) -> nn.Module:
        """What the optimizer updates: ``model``, or a part of it whose weights have the same names."""
        ...

    @property
    def device(self) -> torch.device: ...

    def __len__(self) -> int: ...

    def pairs(
        self, rows: Rows, partners: Rows, generator: torch.Generator
    ) -> Iterator[Float[Tensor, "heads batch_twice clusters"]]:
        """For each step the logits of the images ``rows`` and then of their ``partners``, all of them augmented."""
        ...

    def plain_and_augmented(
        self, rows: Rows, generator: torch.Generator
    ) -> Iterator[tuple[Float[Tensor, "batch clusters"], Float[Tensor, "batch clusters"]]]:
        """For each step the first head's logits of the images as they are, without gradient, and augmented."""
        ...

    def of_images(self, rows: Int64[Tensor, " images"] | None = None) -> Iterator[Float[Tensor, "images clusters"]]:
        """For one head after the other the logits of the images ``rows``, or of all, as they are: float32, without
        gradient."""
        ...
