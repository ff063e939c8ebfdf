"""The conventional augmentations: PIL transforms on single images, written only from the method's description."""

import random
from collections.abc import Callable

from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor
from torchvision import transforms

Transform = Callable[[Image.Image], Tensor]
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


def plain_transform() -> Transform:
    """Return the transform from bytes to normalized floats."""
    return transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])


def simclr_transform(size: int) -> Transform:
    """Return SimCLR's list, without blur."""
    jitter = transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)
    return transforms.Compose(
        [
            transforms.RandomResizedCrop(size, scale=(0.2, 1.0)),
            transforms.RandomHorizontalFlip(),
            transforms.RandomApply([jitter], p=0.8),
            transforms.RandomGrayscale(p=0.2),
            plain_transform(),
        ]
    )


def strong_transform(size: int) -> Transform:
    """Return SCAN's strong list: flip, crop, four of the 14 operations, normalization, one hole."""
    return transforms.Compose(
        [
            transforms.RandomHorizontalFlip(),
            transforms.RandomCrop(size, padding=size // 8, padding_mode="reflect"),
            four_operations,
            plain_transform(),
            one_hole,
        ]
    )


def _shift(image: Image.Image, *coefficients: float) -> Image.Image:
    return image.transform(image.size, Image.Transform.AFFINE, coefficients)


OPERATIONS: dict[str, tuple[Callable[[Image.Image, float], Image.Image], float, float]] = {
    "identity": (lambda image, _: image, 0, 0),
    "autocontrast": (lambda image, _: ImageOps.autocontrast(image), 0, 0),
    "equalize": (lambda image, _: ImageOps.equalize(image), 0, 0),
    "rotate": (lambda image, degrees: image.rotate(degrees), -30, 30),
    "solarize": (lambda image, threshold: ImageOps.solarize(image, int(threshold)), 0, 256),
    "color": (lambda image, factor: ImageEnhance.Color(image).enhance(factor), 0.05, 0.95),
    "contrast": (lambda image, factor: ImageEnhance.Contrast(image).enhance(factor), 0.05, 0.95),
    "brightness": (lambda image, factor: ImageEnhance.Brightness(image).enhance(factor), 0.05, 0.95),
    "sharpness": (lambda image, factor: ImageEnhance.Sharpness(image).enhance(factor), 0.05, 0.95),
    "shear_x": (lambda image, shear: _shift(image, 1, shear, 0, 0, 1, 0), -0.1, 0.1),
    "shear_y": (lambda image, shear: _shift(image, 1, 0, 0, shear, 1, 0), -0.1, 0.1),
    "translate_x": (lambda image, share: _shift(image, 1, 0, share * image.width, 0, 1, 0), -0.1, 0.1),
    "translate_y": (lambda image, share: _shift(image, 1, 0, 0, 0, 1, share * image.height), -0.1, 0.1),
    "posterize": (lambda image, bits: ImageOps.posterize(image, int(bits)), 4, 8),
}


def four_operations(image: Image.Image) -> Image.Image:
    """Apply four operations, drawn with replacement, each with a value uniform in its range."""
    for function, low, high in random.choices(list(OPERATIONS.values()), k=4):
        image = function(image, random.uniform(low, high))
    return image


def one_hole(image: Tensor) -> Tensor:
    """Set one square to 0, with a half-length of up to a quarter of the image's size."""
    size = image.shape[-1]
    row, column, half = random.randrange(size), random.randrange(size), random.randint(1, size // 4)
    image[:, max(0, row - half) : row + half, max(0, column - half) : column + half] = 0
    return image
