import time
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from scan_core.augment.pipeline import Augmentation
from scan_core.encoders.resnet import ResNet
from scan_core.images.images import Images
from scan_core.planning import measure_search
from scan_core.planning.measure import (
    largest_output,
    measure_augmentation,
    measure_inference,
    measure_training,
    photograph,
    synthetic_images,
)
from scan_core.planning.measure_search import measure_kmeans, measure_mining

CPU = torch.device("cpu")


class _Training:
    """Sleeps 2 ms for each image, and keeps 1,000 float32 for each and 50 beside."""

    def __init__(self, images: Images, batch: int) -> None:
        self._count, self._batch = len(images), batch
        self.batches.append(batch)

    batches: ClassVar[list[int]] = []

    def run_epoch(self) -> dict[str, float]:
        time.sleep(0.002 * self._count)
        fixed = torch.ones(50, requires_grad=True)
        kept = torch.ones(self._batch, 1000, requires_grad=True)
        (fixed.square().sum() + kept.square().sum()).backward()
        return {}


def measure(batch_size: int, *, budget: float, memory: int = 2**30):
    _Training.batches.clear()
    return measure_training(
        lambda images, batch: _Training(images, batch).run_epoch,
        batch_size=batch_size,
        budget=budget,
        memory=memory,
        channels=1,
        size=4,
        device=CPU,
    )


def test_a_training_that_sleeps_two_milliseconds_an_image():
    cost = measure(16, budget=1.0)
    assert cost.batch == 16
    assert cost.seconds == pytest.approx(0.002, rel=0.6)
    assert cost.footprint == (200.0, 4000.0)


def test_a_batch_that_would_take_too_long_is_not_run():
    started = time.perf_counter()
    cost = measure(10_000, budget=0.3)  # which would take 20 s
    assert time.perf_counter() - started < 2
    assert cost.batch < 10_000
    assert cost.seconds == pytest.approx(0.002, rel=0.6)


def test_a_batch_that_would_take_too_much_memory_is_not_run():
    assert measure(32, budget=5.0, memory=80_000).batch == 4
    assert max(_Training.batches) == 4


def test_the_largest_output_of_a_network():
    # 3x3-pool at 16 px: the first convolution gives 8 channels of 16 x 16 float32, later layers less.
    network = ResNet("resnet10", width=8, stem="3x3-pool", channels=1)
    assert largest_output(network, synthetic_images(2, channels=1, size=16, device=CPU)) == 8 * 16 * 16 * 4


def test_inference_is_measured_for_each_image():
    class Sleeping(nn.Module):
        def forward(self, images):
            time.sleep(0.001 * len(images))
            return images.flatten(1)

    images = synthetic_images(64, channels=1, size=4, device=CPU)
    assert measure_inference(Sleeping(), images, precision="float32", budget=0.3) == pytest.approx(0.001, rel=0.6)


def test_augmentation_is_measured_for_each_image():
    class Sleeping(Augmentation):
        def __call__(self, images, generator):
            time.sleep(0.001 * len(images))
            return images

    augmentation = Sleeping({}, mean=[0.5], std=[0.25])
    images = synthetic_images(40, channels=1, size=4, device=CPU)
    assert measure_augmentation(augmentation, images, budget=0.3) == pytest.approx(0.001, rel=0.6)


def test_the_photograph_is_one_of_imagenet_s_usual_size():
    assert 90_000 < len(photograph()) < 130_000


def test_mining_and_kmeans_are_scaled_to_all():
    assert 0 < measure_mining(500, dimensions=8, k=5, gpus=()) * 500**2 < 5
    few, many = (measure_kmeans(300, dimensions=8, clusters=clusters, workers=1) for clusters in (20, 2000))
    assert 0 < few < many
    assert np.isfinite(many)


def test_kmeans_starts_run_beside_each_other(monkeypatch):
    monkeypatch.setattr(measure_search, "_round_of_kmeans", lambda rows, clusters: 1.0)
    # Three methods of a hundred rounds, ten starts on one, four and sixteen threads: in ten, three and one go.
    found = [measure_kmeans(1000, dimensions=8, clusters=10, workers=workers) * 1000 for workers in (1, 4, 16)]
    assert found == pytest.approx([3000, 900, 300])
