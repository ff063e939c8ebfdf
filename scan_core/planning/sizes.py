"""How many images each step works on, as far as that is known before any is here."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from scan_core.datasets.description import Description
from scan_core.ingest.choose import choose_images


class Sizes(NamedTuple):
    """Numbers of images."""

    images: int
    """In data/artifacts/images."""
    pretext: int
    """To learn an embedding from: those to train on and perhaps further ones."""
    train: int
    evaluate: int

    def limited(self, limit: int) -> "Sizes":
        """As if ``data.limit`` were ``limit``: so many training images, and as many that the pretext task alone has."""
        train = min(self.train, limit)
        pretext = train + min(self.pretext - self.train, limit)
        in_both = self.pretext + self.evaluate - self.images
        still_in_both = round(in_both * pretext / self.pretext)
        evaluate = self.evaluate - in_both + still_in_both
        return Sizes(pretext + evaluate - still_in_both, pretext, train, evaluate)


def published_splits(dataset: Description, *, classes: int | None = None) -> npt.NDArray[np.object_]:
    """The split of each image of ``dataset``, whose size is published.

    Args:
        classes: so many of its own, each taken to have as many pictures as the average; None for all.
    """
    share = 1.0 if classes is None or dataset.classes is None else classes / dataset.classes
    counts = {split: round(count * share) for split, count in (dataset.images or {}).items()}
    return np.repeat(np.array([*counts], object), [*counts.values()])


def sizes_of(
    split: npt.NDArray[np.object_],
    *,
    train_splits: Sequence[str],
    evaluate_splits: Sequence[str],
    pretext_splits: Sequence[str],
    limit: int | None,
) -> Sizes:
    """The sizes after fetch has chosen among images of these splits [N]; see :func:`choose_images`, also for errors."""
    splits = {"train_splits": train_splits, "evaluate_splits": evaluate_splits, "pretext_splits": pretext_splits}
    kept = split[choose_images(split, **splits, limit=limit, generator=np.random.Generator(np.random.PCG64(0)))]
    train = np.isin(kept, list(train_splits))
    pretext = train | np.isin(kept, list(pretext_splits))
    return Sizes(len(kept), int(pretext.sum()), int(train.sum()), int(np.isin(kept, list(evaluate_splits)).sum()))
