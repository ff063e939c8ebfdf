"""Small crops: in the first epochs, crops are resized to less than the images' size, which takes less time."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from scan_core.augment.pipeline import Augmentation


class SmallCrops(NamedTuple):
    """The views of a pretext task in its first epochs."""

    augmentation: Augmentation
    epochs: int
    """Number of first epochs."""
    cost: float
    """Time of such an epoch, relative to a later one: about the ratio of the pixels of a view."""


def small_size(image_size: int, size: float) -> int:
    """Return the pixels per side of a small crop: the share ``size`` of ``image_size``, at least 1."""
    return max(1, round(size * image_size))


def small_crops(
    operations: Mapping[str, Mapping[str, Any]],
    *,
    size: float,
    share: float,
    epochs: int,
    image_size: int,
    mean: Sequence[float],
    std: Sequence[float],
) -> SmallCrops:
    """Return the views of the first ``share`` of ``epochs``, with crops of ``size`` times ``image_size`` pixels.

    Args:
        operations: those of the later epochs' augmentation; ``random_resized_crop`` must be among them.
    """
    pixels = small_size(image_size, size)
    crop = {**operations["random_resized_crop"], "size": pixels}
    augmentation = Augmentation({**operations, "random_resized_crop": crop}, mean=mean, std=std)
    return SmallCrops(augmentation, round(share * epochs), (pixels / image_size) ** 2)
