"""Choose which images to keep, and in which order, before any is decoded and without their labels."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scan_core.datasets.dataset import Skipped
from scan_core.errors import DataError


def choose_images(
    split: npt.NDArray[np.object_],
    *,
    train_splits: Sequence[str],
    evaluate_splits: Sequence[str],
    pretext_splits: Sequence[str],
    limit: int | None,
    generator: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Return the rows to keep, uniformly shuffled: the row of image_id 0, 1, ...

    Args:
        split: [N], the split of each image.
        pretext_splits: further splits from which the pretext task learns.
        limit: keep that many images of ``train_splits``, drawn uniformly, and as many of the other ``pretext_splits``;
            the rest is dropped, also from evaluation. None keeps all.

    Raises:
        DataError: a split that does not exist, or fewer than 2 training images.
    """
    _check_splits(split, train_splits, argument="train_splits")
    _check_splits(split, evaluate_splits, argument="evaluate_splits")
    _check_splits(split, pretext_splits, argument="pretext_splits")
    train, evaluate = np.isin(split, list(train_splits)), np.isin(split, list(evaluate_splits))
    pretext_only = np.isin(split, list(pretext_splits)) & ~train & ~evaluate
    drawn = [generator.permutation(np.flatnonzero(group))[:limit] for group in (train, pretext_only)]
    check_enough(len(drawn[0]))
    return generator.permutation(np.concatenate([*drawn, np.flatnonzero(evaluate & ~train)]))


def check_enough(train_images: int, *, skipped: Sequence[Skipped] = ()) -> None:
    """Raise DataError if there are fewer than two training images; ``skipped`` may tell why."""
    if train_images < 2:
        why = f" ({len(skipped)} were skipped, {skipped[0].path} for instance: {skipped[0].reason})" if skipped else ""
        raise DataError(
            f"found {train_images} readable training image{'s' * (train_images != 1)}{why}, expected at least 2; "
            "check the source, the splits to train on and the limit"
        )


def _check_splits(split: npt.NDArray[np.object_], wanted: Sequence[str], *, argument: str) -> None:
    found = sorted(set(split.tolist()))
    missing = [name for name in wanted if name not in found]
    if missing:
        raise DataError(
            f"no split {', '.join(missing)} in this dataset, found {', '.join(found) or 'no image'}", argument=argument
        )
