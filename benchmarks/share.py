"""Measure the share of exact mining in the pipeline's time at 60,000 images, with the preset that trains least.

``python -m benchmarks.share``

Mining is measured at full size. Each training is measured for one epoch on some images and multiplied: an epoch's time
is proportional to the images (benchmarks.growth), and the preset cifar10-cpu says how many epochs there are. Its
network is small and its trainings are short: with any other preset of that size the share is smaller. All times are CPU
time, so that other programs have little effect; the other stages, which would lower the share, are left out.
"""

import time
from collections.abc import Callable
from typing import Annotated

import numpy as np
import torch
import typer

from benchmarks import ours
from benchmarks.record import record
from scan_core.clustering.scan import ScanTraining
from scan_core.clustering.self_label import SelfLabelTraining
from scan_core.encoders.resnet import ResNet
from scan_core.images.images import ResidentImages
from scan_core.neighbors.mine import mine_neighbors
from scan_core.pretext.training import PretextTraining

K, DIMENSIONS, WIDTH = 20, 256, 32
EPOCHS = {"pretext": 16, "scan": 6, "self_label": 12}
"""Epochs of the preset cifar10-cpu, as the values above; epochs with small crops count by their pixels."""


def main(
    images: Annotated[int, typer.Option(help="Number of images.")] = 60_000,
    sample: Annotated[int, typer.Option(help="Images to measure an epoch on.")] = 1024,
) -> None:
    """Print the CPU seconds of each part at ``images``, and its share."""
    taken = {"mining, exact": _mining(images)}
    pictures = ResidentImages(ours.random_pixels(sample), torch.device("cpu"))
    rows = torch.randint(sample, (sample, K))
    trainings: dict[str, PretextTraining | ScanTraining | SelfLabelTraining] = {
        "pretext": ours.simclr(pictures, batch_size=256, epochs=EPOCHS["pretext"], network=_net()),
        "scan": ours.scan(pictures, rows, batch_size=128, network=_net()),
        "self_label": ours.self_label(pictures, batch_size=256, network=_net()),
    }
    for name, training in trainings.items():
        taken[name] = _seconds(training.run_epoch) * EPOCHS[name] * images / sample
    total = sum(taken.values())
    record("share", [{"part": name, "processor s": s, "share": s / total} for name, s in taken.items()])


def _mining(images: int) -> float:
    points = np.random.default_rng(0).standard_normal((images, DIMENSIONS), dtype=np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return _seconds(lambda: mine_neighbors(points, np.arange(images), k=K, gpus=()))


def _net() -> ResNet:
    return ResNet("resnet10", width=WIDTH, stem="3x3-stride2", channels=3)


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    typer.run(main)
