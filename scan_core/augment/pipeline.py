"""Augment a batch: apply operations chosen by name, then normalize."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from jaxtyping import Shaped
from torch import Tensor

from scan_core.augment.affine import random_affine
from scan_core.augment.color import color_jitter, random_grayscale
from scan_core.augment.crops import random_crop, random_resized_crop
from scan_core.augment.cutout import cutout
from scan_core.augment.flip import random_horizontal_flip
from scan_core.augment.grouped import Batch
from scan_core.augment.normalize import standardize
from scan_core.augment.operation import Operation, Parameters
from scan_core.augment.pixels import Bytes, Resized, in_unit
from scan_core.augment.strong import strong_operations

ON_PIXELS: dict[str, Callable[..., Operation]] = {
    "random_affine": random_affine,
    "random_resized_crop": random_resized_crop,
    "random_horizontal_flip": random_horizontal_flip,
    "random_crop": random_crop,
    "color_jitter": color_jitter,
    "random_grayscale": random_grayscale,
    "strong_operations": strong_operations,
}
ON_BYTES_TOO = ("random_horizontal_flip", "random_crop", "strong_operations")
"""Operations that also take bytes: the images stay bytes, a quarter of the memory, until another operation comes."""
ON_NORMALIZED: dict[str, Callable[..., Operation]] = {"cutout": cutout}


class Augmentation:
    """A random transformation of image batches.

    Each image gets its own parameters. Keep the generator on the CPU: then draws do not depend on the images' device,
    and no operation waits for a GPU.
    """

    def __init__(
        self, operations: Mapping[str, Mapping[str, object]], *, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        """Choose operations by name, each with its settings; they are applied in the order of the tables above.

        Args:
            operations: names of ``ON_PIXELS`` and ``ON_NORMALIZED``, each with the keyword arguments of its function.
            mean: the mean of each channel, for pixels in [0, 1].
            std: the standard deviation of each channel, above 0.

        Raises:
            ValueError: an operation's name is unknown.
        """
        known = ON_PIXELS | ON_NORMALIZED
        unknown = [name for name in operations if name not in known]
        if unknown:
            raise ValueError(f"unknown augmentation {', '.join(unknown)}; known: {', '.join(known)}")
        self._operations = {name: known[name](**operations[name]) for name in known if name in operations}
        self.mean = tuple(mean)
        self.std = tuple(std)

    def __call__(self, images: Bytes, generator: torch.Generator) -> Resized:
        """Transform ``images`` and normalize the result, on the images' device."""
        return self.apply(images, [self.draw((len(images), *images.shape[2:]), generator)])

    def draw(self, shape: tuple[int, int, int], generator: torch.Generator) -> dict[str, Parameters]:
        """Draw the parameters of all operations, in their order, for images of the shape (batch, height, width).

        Raises:
            ValueError: a padded crop's padding is not smaller than the images.
        """
        batch, height, width = shape
        drawn = {}
        for name, operation in self._operations.items():
            drawn[name] = operation.draw((batch, height, width), generator)
            height, width = operation.size or height, operation.size or width
        crop = next((name for name in ("random_resized_crop", "random_crop") if name in drawn), None)
        if crop and "random_horizontal_flip" in drawn:  # adjacent in the order: one pass does both
            drawn[crop] += drawn.pop("random_horizontal_flip")
        return drawn

    def apply(self, images: Bytes, batches: Sequence[Mapping[str, Parameters]]) -> Resized:
        """Transform ``images`` by drawn parameters, without further randomness, and normalize the result.

        Args:
            images: the images of one or several batches, concatenated.
            batches: what :meth:`draw` returned for each batch.
        """
        drawn = {name: tuple(map(torch.cat, zip(*(of[name] for of in batches), strict=True))) for name in batches[0]}
        pixels = in_unit(self._apply(ON_PIXELS, images, drawn))
        return self._apply(ON_NORMALIZED, standardize(pixels, self.mean, self.std), drawn)

    def _apply(
        self, names: Iterable[str], images: Batch, drawn: Mapping[str, Parameters]
    ) -> Shaped[Tensor, "batch channels new_height new_width"]:
        for name in names:
            if name in drawn:
                images = images if name in ON_BYTES_TOO else in_unit(images)
                images = self._operations[name].apply(images, *drawn[name])
        return images
