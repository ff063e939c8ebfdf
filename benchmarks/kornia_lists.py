"""Both lists of augmentations, built from Kornia's operations with separate parameters for each image."""

from collections.abc import Callable
from typing import Any

import kornia.augmentation as K
import torch
from torch import Tensor

from benchmarks import ours

LOWERED = (0.05, 0.95)


def simclr(size: int) -> Callable[[Tensor], Tensor]:
    """Return SimCLR's list, from floats in [0, 1] to normalized ones."""
    return K.AugmentationSequential(
        K.RandomResizedCrop((size, size), scale=(0.2, 1.0), cropping_mode="resample"),
        K.RandomHorizontalFlip(p=0.5),
        K.ColorJitter(0.4, 0.4, 0.4, 0.1, p=0.8),
        K.RandomGrayscale(p=0.2),
        _normalize(),
        data_keys=["input"],
        same_on_batch=False,
    )


def strong_groups(size: int) -> Callable[[Tensor], Tensor]:
    """Return four rounds: each image draws an operation, which is applied to its group of images."""
    operations, before, after = _operations(), _before(size), _after()

    def transform(images: Tensor) -> Tensor:
        images = before(images)
        for _ in range(4):
            drawn = torch.randint(len(operations), (len(images),))
            result = images.clone()
            for number, operation in enumerate(operations):
                rows = (drawn == number).nonzero().flatten().to(images.device)
                if len(rows):
                    result[rows] = operation(images[rows])
            images = result
        return after(images)

    return transform


def strong_batchwise(size: int) -> Callable[[Tensor], Tensor]:
    """Return four different operations, drawn for the whole batch, with separate strengths for each image."""
    chosen = K.AugmentationSequential(*_operations(), data_keys=["input"], same_on_batch=False, random_apply=4)
    before, after = _before(size), _after()
    return lambda images: after(chosen(before(images)))


def _operations() -> list[Any]:
    """Return the 14 operations; each is always applied, since the caller draws which one."""
    return [
        torch.nn.Identity(),
        K.RandomAutoContrast(p=1),
        K.RandomEqualize(p=1),
        K.RandomRotation(30, resample="nearest", p=1),
        K.RandomSolarize(thresholds=(0.0, 1.0), additions=(0.0, 0.0), p=1),
        K.RandomSaturation(LOWERED, p=1),
        K.RandomContrast(LOWERED, p=1),
        K.RandomBrightness(LOWERED, p=1),
        K.RandomSharpness(LOWERED, p=1),
        K.RandomShear((-5.7, 5.7), resample="nearest", p=1),
        K.RandomShear((0.0, 0.0, -5.7, 5.7), resample="nearest", p=1),
        K.RandomTranslate(translate_x=(-0.1, 0.1), resample="nearest", p=1),
        K.RandomTranslate(translate_y=(-0.1, 0.1), resample="nearest", p=1),
        K.RandomPosterize((4, 8), p=1),
    ]


def _before(size: int) -> Callable[[Tensor], Tensor]:
    return K.AugmentationSequential(
        K.RandomHorizontalFlip(p=0.5),
        K.RandomCrop((size, size), padding=size // 8, padding_mode="reflect", cropping_mode="resample"),
        data_keys=["input"],
    )


def _after() -> Callable[[Tensor], Tensor]:
    hole: Any = K.RandomErasing(scale=(1 / 256, 1 / 4), ratio=(1.0, 1.0), p=1)
    return K.AugmentationSequential(_normalize(), hole, data_keys=["input"])


def _normalize() -> Any:
    return K.Normalize(mean=torch.tensor(ours.MEAN), std=torch.tensor(ours.STD))
