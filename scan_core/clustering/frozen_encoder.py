"""Train only the cluster heads, on features of views that were computed once."""

from collections.abc import Iterator

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn.functional import linear

from scan_core.clustering.cached_features import CachedFeatures
from scan_core.clustering.model import ClusteringModel
from scan_core.clustering.pairs import Rows
from scan_core.training.precision import autocast

PLAIN = -1
"""Number of the view without augmentation."""


class FrozenEncoder:
    """A :data:`scan_core.clustering.make_learner.Learner` of the heads; one matrix product evaluates all of them.

    In each step, it draws one of an image's V cached views, where :class:`WholeNetwork` augments the image anew. An
    image that is its own partner gets two different views. With V = 0, it uses the image without augmentation.

    Args:
        features: those of the training images, standardized if the heads of ``model`` expect this; for :meth:`pairs`,
            V must not be 1.
    """

    def __init__(self, model: ClusteringModel, features: CachedFeatures, *, precision: str) -> None:
        self.model, self.learned, self.device = model, nn.ModuleDict({"heads": model.heads}), features.device
        self._features, self._precision = features, precision

    def __len__(self) -> int:
        return len(self._features)

    def pairs(
        self, rows: Rows, partners: Rows, generator: torch.Generator
    ) -> Iterator[Float[Tensor, "heads batch_twice clusters"]]:
        """Yield, for each step, the logits of views of the images and then of their partners."""
        views = draw_views(rows == partners, self._features.views, generator)
        for both, seen in zip(torch.cat([rows, partners], dim=1), views, strict=True):
            with autocast(self.device, self._precision):
                logits = self.model.heads(self._features.gather(both, seen))
            yield logits

    def plain_and_augmented(
        self, rows: Rows, generator: torch.Generator
    ) -> Iterator[tuple[Float[Tensor, "batch clusters"], Float[Tensor, "batch clusters"]]]:
        """Yield, for each step, the logits of the images without augmentation, and of one view of each."""
        count = self._features.views
        views = torch.randint(count, rows.shape, generator=generator) if count else torch.full_like(rows, PLAIN)
        for batch, seen in zip(rows, views, strict=True):
            with autocast(self.device, self._precision):
                with torch.no_grad():
                    (plain,) = self.model.heads(self._features.gather(batch, torch.full_like(seen, PLAIN)))
                (augmented,) = self.model.heads(self._features.gather(batch, seen))
            yield plain, augmented

    @torch.no_grad()
    def of_images(self, rows: Int64[Tensor, " images"] | None = None) -> Iterator[Float[Tensor, "images clusters"]]:
        """Yield the logits of the images ``rows`` (or all) without augmentation, head by head to save memory."""
        heads = self.model.heads.state_dict()
        for weight, bias in zip(heads["weight"], heads["bias"], strict=True):
            with autocast(self.device, self._precision):
                chunks = [linear(features, weight, bias).float() for features in self._features.plain(rows)]
            yield torch.cat(chunks)


def draw_views(
    itself: Bool[Tensor, "steps batch"], views: int, generator: torch.Generator
) -> Int64[Tensor, "steps batch_twice"]:
    """Draw a view for each anchor (first half) and each partner (second half), uniformly.

    Args:
        itself: whether an image is its own partner; its two views then differ.
        views: number of views; 0 gives the image without augmentation (-1).
    """
    if not views:
        return torch.full_like(torch.cat([itself, itself], dim=1), PLAIN, dtype=torch.int64)
    anchor, partner = torch.randint(views, (2, *itself.shape), generator=generator)
    another = (anchor + torch.randint(1, views, itself.shape, generator=generator)) % views
    return torch.cat([anchor, torch.where(itself, another, partner)], dim=1)
