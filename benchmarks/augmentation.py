"""Measure the augmentation of a batch at 32 px: ours, Kornia's, torchvision v2's and PIL's, for both lists.

``python -m benchmarks.augmentation``

- Ours, Kornia and torchvision start from a batch of bytes and end with normalized floats, on the same threads. PIL
  starts from one image's bytes and works on one core, as one DataLoader worker does.
- Kornia's SimCLR list is an ``AugmentationSequential`` with parameters of its own for each image; only the order of the
  jitter's operations is drawn once per batch. Its crop interpolates (``cropping_mode="resample"``), which is its fast
  way for batches.
- Kornia's strong list comes in two forms. "groups": four rounds, in each of which every image draws one of the 14
  operations and each operation is applied to its group of images: the same distribution as ours. "one choice a batch":
  ``AugmentationSequential(random_apply=4)``, which draws four different operations for the whole batch, their strengths
  for each image.
- torchvision v2 draws everything once for the whole batch: no substitute, but a bound on the speed of plain tensors.
- PIL's way is the transform of ``benchmarks.conventional``.
- ``torch.compile`` has no row: the groups' sizes change with every batch, so it would compile again each time.
"""

import statistics
from collections.abc import Callable, Mapping
from typing import Annotated

import torch
import typer
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from benchmarks import ours
from benchmarks.pil_transforms import simclr_transform, strong_transform
from benchmarks.record import record
from benchmarks.timing import alternate, median_ratio

Way = Callable[[], object]


def main(
    batch_size: Annotated[int, typer.Option(help="Images per batch.")] = 512,
    repetitions: Annotated[int, typer.Option(help="Batches of each way, in turn.")] = 15,
) -> None:
    """Print images/s of each way, and the median of the ratios of ours to it."""
    rows: list[dict[str, str | float]] = []
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    pixels = torch.from_numpy(ours.random_pixels(batch_size)).to(device)
    for name, operations in (("simclr", ours.SIMCLR), ("strong", ours.STRONG)):
        ways = _ways(name, operations, pixels)
        taken = alternate(ways, repetitions=repetitions)
        for way, seconds in taken.items():
            speed = batch_size / statistics.median(seconds)
            rows.append(
                {"list": name, "way": way, "images/s": speed, "ours / it": median_ratio(seconds, taken["ours"])}
            )
    record("augmentation", rows)


def _ways(name: str, operations: Mapping[str, Mapping[str, object]], pixels: Tensor) -> dict[str, Way]:
    size = pixels.shape[-1]
    ways = {"ours": _ours(operations, pixels)}
    ways |= _kornia_ways(name, pixels)
    ways["torchvision v2, one draw a batch"] = _torchvision(name, pixels)
    transform = {"simclr": simclr_transform, "strong": strong_transform}[name](size)
    pictures = [Image.fromarray(image) for image in pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()]
    ways["PIL, one core"] = lambda: torch.stack([transform(picture) for picture in pictures])
    return ways


def _ours(operations: Mapping[str, Mapping[str, object]], pixels: Tensor) -> Way:
    augmentation, generator = ours.augmentation(operations), torch.Generator().manual_seed(0)
    return lambda: augmentation(pixels, generator)


def _kornia_ways(name: str, pixels: Tensor) -> dict[str, Way]:
    """Return Kornia's ways; empty if it is not installed."""
    try:
        from benchmarks import kornia_lists
    except ImportError:
        return {}
    lists = {
        "simclr": {"Kornia": kornia_lists.simclr},
        "strong": {
            "Kornia, groups": kornia_lists.strong_groups,
            "Kornia, one choice a batch": kornia_lists.strong_batchwise,
        },
    }[name]
    return {way: _on_bytes(build(pixels.shape[-1]), pixels) for way, build in lists.items()}


def _on_bytes(transform: Callable[[Tensor], Tensor], pixels: Tensor) -> Way:
    return lambda: transform(pixels.float().div_(255))


def _torchvision(name: str, pixels: Tensor) -> Way:
    size = pixels.shape[-1]
    finish = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(ours.MEAN, ours.STD)]
    if name == "simclr":
        transform = v2.Compose(
            [
                v2.RandomResizedCrop(size, scale=(0.2, 1.0), antialias=False),
                v2.RandomHorizontalFlip(),
                v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
                v2.RandomGrayscale(p=0.2),
                *finish,
            ]
        )
        return lambda: transform(pixels)
    translate = [v2.RandomAffine(0, translate=share) for share in ((0.1, 0.0), (0.0, 0.1))]
    shear = [v2.RandomAffine(0, shear=degrees) for degrees in ([-5.7, 5.7], [0.0, 0.0, -5.7, 5.7])]
    lowered = (0.05, 0.95)
    choice = v2.RandomChoice(
        [
            v2.Identity(),
            v2.RandomAutocontrast(p=1),
            v2.RandomEqualize(p=1),
            v2.RandomRotation(30),
            v2.RandomSolarize(128, p=1),
            v2.ColorJitter(saturation=lowered),
            v2.ColorJitter(contrast=lowered),
            v2.ColorJitter(brightness=lowered),
            v2.RandomAdjustSharpness(0.5, p=1),
            *translate,
            *shear,
            v2.RandomPosterize(6, p=1),
        ]
    )
    crop = v2.RandomCrop(size, padding=size // 8, padding_mode="reflect")
    hole = v2.RandomErasing(p=1, scale=(1 / 256, 1 / 4), ratio=(1, 1))
    strong = v2.Compose([v2.RandomHorizontalFlip(), crop, *[choice] * 4, *finish, hole])
    return lambda: strong(pixels)


if __name__ == "__main__":
    typer.run(main)
