"""Train heads alone, on features of views that were computed once."""

from collections.abc import Iterator

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn.functional import linear

from scan_core.clustering.cached_features import CachedFeatures
from scan_core.clustering.learner import Rows
from scan_core.clustering.model import ClusteringModel
from scan_core.training.precision import autocast

AS_IT_IS = -1
"""Number of the view without augmentation."""


class FrozenEncoder:
    """A :class:`scan_core.clustering.learner.Learner` of heads alone, which one matrix product evaluates together.

    Instead of augmenting an image anew in each step, it draws one of V cached views; an image that is its own partner
    shows two different ones. So a training of many epochs meets the same V views again and again. Without views, it
    takes the image without augmentation.

    Args:
        features: of the images to learn from, as the heads of ``model`` take them; :meth:`pairs` needs no view, or at
            least two.
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
        views = torch.randint(count, rows.shape, generator=generator) if count else torch.full_like(rows, AS_IT_IS)
        for batch, seen in zip(rows, views, strict=True):
            with autocast(self.device, self._precision):
                with torch.no_grad():
                    (plain,) = self.model.heads(self._features.gather(batch, torch.full_like(seen, AS_IT_IS)))
                (augmented,) = self.model.heads(self._features.gather(batch, seen))
            yield plain, augmented

    @torch.no_grad()
    def of_images(self, rows: Int64[Tensor, " images"] | None = None) -> Iterator[Float[Tensor, "images clusters"]]:
        """Yield the logits of the images ``rows``, or of all, without augmentation, head by head to save memory."""
        heads = self.model.heads.state_dict()
        for weight, bias in zip(heads["weight"], heads["bias"], strict=True):
            with autocast(self.device, self._precision):
                chunks = [linear(features, weight, bias).float() for features in self._features.as_they_are(rows)]
            yield torch.cat(chunks)


def draw_views(
    itself: Bool[Tensor, "steps batch"], views: int, generator: torch.Generator
) -> Int64[Tensor, "steps batch_twice"]:
    """Draw which of ``views`` views the anchors (first half) and their partners (second half) show, uniformly.

    Args:
        itself: where an image is its own partner, and the two views must differ.
        views: number of views; with 0, all show the image without augmentation.
    """
    if not views:
        return torch.full_like(torch.cat([itself, itself], dim=1), AS_IT_IS, dtype=torch.int64)
    anchor, partner = torch.randint(views, (2, *itself.shape), generator=generator)
    another = (anchor + torch.randint(1, views, itself.shape, generator=generator)) % views
    return torch.cat([anchor, torch.where(itself, another, partner)], dim=1)
