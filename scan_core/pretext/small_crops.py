"""Small crops: the first epochs' crops are not enlarged to the images' size, and take less time."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from scan_core.augment.pipeline import Augmentation


class SmallCrops(NamedTuple):
    """What a pretext task looks at in its first epochs."""

    augmentation: Augmentation
    epochs: int
    """How many they are."""
    cost: float
    """Of such an epoch, relative to another one: the pixels of a view, which its time nearly goes with."""


def small_size(image_size: int, size: float) -> int:
    """Pixels per side of a small crop of images of ``image_size``: the share ``size`` of it, but at least one."""
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
    """The first ``share`` of ``epochs`` crop to the share ``size`` of ``image_size``.

    Args:
        operations: of the other epochs' augmentation, ``random_resized_crop`` among them.
    """
    pixels = small_size(image_size, size)
    crop = {**operations["random_resized_crop"], "size": pixels}
    augmentation = Augmentation({**operations, "random_resized_crop": crop}, mean=mean, std=std)
    return SmallCrops(augmentation, round(share * epochs), (pixels / image_size) ** 2)
