"""The interface of what the clustering steps train: a network on images, or only its heads on cached features."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from scan_core.clustering.model import ClusteringModel

Rows = Int64[Tensor, "steps batch"]


@runtime_checkable
class Learner(Protocol):
    """Computes the logits for the losses of :class:`ScanTraining` and :class:`SelfLabelTraining`.

    A row is the position of a training image, below ``len(learner)``. The iterators are lazy: they compute the logits
    of a step with the weights of that moment.
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
        """Yield, for each step, the first head's logits of the plain images (no gradient) and of the augmented ones."""
        ...

    def of_images(self, rows: Int64[Tensor, " images"] | None = None) -> Iterator[Float[Tensor, "images clusters"]]:
        """Yield, for each head, the logits of ``rows`` (or of all images), no augmentation, float32, no gradient."""
        ...
