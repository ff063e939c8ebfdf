"""A few real steps on synthetic images: how long they take on this machine, and what they keep in memory."""

import math
import time
from collections.abc import Callable
from io import BytesIO
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from scan_core.augment.pipeline import Augmentation
from scan_core.datasets.dataset import Stored
from scan_core.encoders.inference import infer
from scan_core.images.images import Images, ResidentImages
from scan_core.ingest.prepare import prepare
from scan_core.planning.needs import TRANSIENT, Footprint

FEW = 4
"""Images of the first steps."""
GROWTH = 8
"""How much larger the next batch may be."""
VIEWS = 32
"""Images that are augmented at a time."""
RUNS = 3
MOST_STEPS = 8
PHOTOGRAPH = (500, 375)
"""Width and height: the usual one of ImageNet."""


Make = Callable[[Images, int], Callable[[], object]]
"""The ``run_epoch`` of a new training on all of some images, in batches of that size."""


class StepCost(NamedTuple):
    """What training on one image costs."""

    seconds: float
    """Of an epoch, for each of its images."""
    footprint: Footprint
    batch: int
    """Images of the steps that were timed; smaller than asked for where those would have taken too long."""


def synthetic_images(count: int, *, channels: int, size: int, device: torch.device) -> ResidentImages:
    """Noise of the right shape."""
    pixels = np.random.Generator(np.random.PCG64(0)).integers(0, 256, (count, channels, size, size), np.uint8)
    return ResidentImages(pixels, device)


def measure_training(
    make: Make, *, batch_size: int, budget: float, memory: int, channels: int, size: int, device: torch.device
) -> StepCost:
    """Run epochs of one step with larger and larger batches, and several steps of the whole one if there is time.

    Args:
        budget: seconds; where a batch would exceed them, a smaller one stands for it.
        memory: bytes that a step may take.
        channels, size: of the images.
    """

    def training(images: int, batch: int) -> Callable[[], object]:
        return make(synthetic_images(images, channels=channels, size=size, device=device), batch)

    footprint = _footprint({count: _kept_bytes(training(count, count)) for count in (FEW // 2, FEW)})
    most = max(FEW, int(memory / (TRANSIENT * footprint.per_image + 1)))
    batch = min(FEW, batch_size)
    left = budget
    while True:
        seconds = _least_seconds(training(batch, batch), budget=left / 2)
        left -= RUNS * seconds
        larger = min(batch_size, GROWTH * batch)
        if batch == batch_size or larger > most or RUNS * seconds * larger / batch > left:
            break
        batch = larger
    steps = min(MOST_STEPS, int(left / RUNS / seconds))
    if batch == batch_size and steps > 1 and steps * batch <= most:
        seconds = _least_seconds(training(steps * batch, batch), budget=left) / steps
    return StepCost(seconds / batch, footprint, batch)


def _footprint(kept: dict[int, int]) -> Footprint:
    """The straight line through two points: bytes by the number of images."""
    (few, low), (more, high) = sorted(kept.items())
    per_image = max(0.0, (high - low) / (more - few))
    return Footprint(fixed=max(0.0, low - few * per_image), per_image=per_image)


def _kept_bytes(run_epoch: Callable[[], object]) -> int:
    """Bytes of all memory that an epoch of one step keeps for its backward pass."""
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        run_epoch()
    return sum(kept.values())


def measure_inference(network: nn.Module, images: Images, *, precision: str, budget: float) -> float:
    """Seconds for each of ``images`` through ``network``, in about ``budget`` seconds: perhaps of some of them."""

    def run(count: int) -> Callable[[], object]:
        mean = [0.5] * images.channels
        return lambda: infer(network, images, torch.arange(count), mean=mean, std=mean, precision=precision).cpu()

    few = min(FEW, len(images))
    rough = _least_seconds(run(few), budget=budget) / few
    count = min(len(images), max(few, int(budget / RUNS / rough)))
    return _least_seconds(run(count), budget=budget) / count


def measure_augmentation(augmentation: Augmentation, images: Images, *, budget: float) -> float:
    """Seconds to augment one of ``images``; a few of them are."""
    few = torch.arange(min(VIEWS, len(images)))
    (pixels,) = images.batches([few])
    generator = torch.Generator().manual_seed(0)
    return _least_seconds(lambda: augmentation(pixels, generator).sum().item(), budget=budget) / len(few)


def largest_output(network: nn.Module, images: Images) -> int:
    """Bytes of the largest output of a layer for one image, in float32."""
    sizes = [0]

    def note(layer: nn.Module, inputs: object, output: Tensor) -> None:
        sizes.append(output[:1].nbytes)

    layers = [layer for layer in network.modules() if not list(layer.children())]
    handles = [layer.register_forward_hook(note) for layer in layers]
    mean = [0.5] * images.channels
    infer(network, images, torch.arange(1), mean=mean, std=mean, precision="float32")
    for handle in handles:
        handle.remove()
    return max(sizes)


def photograph() -> bytes:
    """A JPEG file of some 110 kB, as those of ImageNet are: smooth, with grain."""
    generator = np.random.Generator(np.random.PCG64(0))
    coarse = Image.fromarray(generator.integers(0, 256, (12, 16, 3), np.uint8)).resize(PHOTOGRAPH)
    grain = generator.normal(0, 16, (PHOTOGRAPH[1], PHOTOGRAPH[0], 1))
    file = BytesIO()
    Image.fromarray(np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()


def measure_preparation(stored: Stored, *, size: int, encode: bool, budget: float) -> float:
    """Seconds to make ``stored`` ready to be stored, on one thread."""
    return _least_seconds(lambda: prepare(stored, size=size, encode=encode), budget=budget)


def _seconds(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def _least_seconds(function: Callable[[], object], *, budget: float) -> float:
    """The least of ``RUNS`` calls, or of as many as fit ``budget``: whatever else the machine does only adds time."""
    least = left = math.inf
    for _ in range(RUNS):
        seconds = _seconds(function)
        least, left = min(least, seconds), min(left, budget) - seconds
        if left < seconds:
            break
    return least
