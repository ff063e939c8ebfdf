"""Train encoder and heads together, on images that are augmented anew in each step."""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from scan_core.augment.batches import augmented_batches
from scan_core.augment.normalize import normalize
from scan_core.augment.pipeline import Augmentation
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.pairs import Rows
from scan_core.encoders.inference import infer
from scan_core.images.images import Images
from scan_core.parallel.distributed import part_of_batch, replicate
from scan_core.training.compiled import compiled
from scan_core.training.precision import autocast


class WholeNetwork:
    """A :data:`scan_core.clustering.make_learner.Learner` of encoder and heads.

    Args:
        image_ids: the training images.
        compile: whether to compile the network; see :func:`scan_core.training.compiled.compiled`.
    """

    def __init__(
        self,
        model: ClusteringModel,
        images: Images,
        image_ids: Int64[Tensor, " images"],
        augmentation: Augmentation,
        *,
        precision: str,
        compile: bool = False,
    ) -> None:
        self.model, self.learned, self.device = model, model, images.device
        network = replicate(model)
        self._network = compiled(network) if compile else network
        self._images, self._image_ids = images, image_ids
        self._augmentation, self._precision = augmentation, precision

    def __len__(self) -> int:
        return len(self._image_ids)

    def pairs(
        self, rows: Rows, partners: Rows, generator: torch.Generator
    ) -> Iterator[Float[Tensor, "heads batch_twice clusters"]]:
        """Yield, for each step, the logits of augmented images and then of their augmented partners."""
        self.model.train()
        both = torch.cat([part_of_batch(rows), part_of_batch(partners)], dim=1)
        for _, views in augmented_batches(self._images, self._image_ids[both], self._augmentation, generator):
            with autocast(self.device, self._precision):
                logits = self._network(views)
            yield logits

    def plain_and_augmented(
        self, rows: Rows, generator: torch.Generator
    ) -> Iterator[tuple[Float[Tensor, "batch clusters"], Float[Tensor, "batch clusters"]]]:
        """Yield, for each step, the logits of the images without and with augmentation.

        Batch normalization uses the statistics of the batch in both passes: the running statistics lag behind the
        weights, and pseudo-labels computed with them drift. Both passes update the running statistics.
        """
        self.model.train()
        ids = self._image_ids[part_of_batch(rows)]
        for pixels, views in augmented_batches(self._images, ids, self._augmentation, generator):
            with torch.no_grad(), autocast(self.device, self._precision):
                (plain,) = self.model(normalize(pixels, self._augmentation.mean, self._augmentation.std))
            with autocast(self.device, self._precision):
                (augmented,) = self._network(views)
            yield plain, augmented

    def of_images(self, rows: Int64[Tensor, " images"] | None = None) -> Iterator[Float[Tensor, "images clusters"]]:
        """Yield the logits of the images ``rows`` (or all) without augmentation, one head after another."""
        yield from infer(
            self.model,
            self._images,
            self._image_ids if rows is None else self._image_ids[rows],
            mean=self._augmentation.mean,
            std=self._augmentation.std,
            precision=self._precision,
        )
