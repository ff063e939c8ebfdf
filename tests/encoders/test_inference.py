import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from scan_core.encoders.inference import infer
from scan_core.encoders.resnet import ResNet
from scan_core.images.images import ResidentImages
from scan_core.machine import cpu_threads


class Seen(nn.Module):
    """The mean of each image, and how many came at once."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        self.batches.append(len(images))
        return images.mean((1, 2, 3))[:, None]


def test_batches_on_a_processor_hold_as_many_pixels_as_its_caches_do():
    pixels = np.repeat(np.arange(9, dtype=np.uint8), 3 * 256 * 256).reshape(9, 3, 256, 256)
    network = Seen()
    images = ResidentImages(pixels, torch.device("cpu"))
    found = infer(network, images, torch.arange(9), mean=[0.0] * 3, std=[1.0] * 3, precision="float32")
    assert network.batches == [4, 4, 1]  # 2^18 pixels are four images of 256 x 256
    assert torch.allclose(found[:, 0], torch.arange(9) / 255)


def test_what_is_said_of_an_image_does_not_depend_on_the_others(tiny_images):
    torch.manual_seed(0)
    network = ResNet("resnet10", width=2, stem="3x3", channels=1)
    ids = torch.arange(24)
    everything, some = (
        infer(network, tiny_images, rows, mean=[0.5], std=[0.2], precision="float32") for rows in (ids, ids[::5])
    )
    assert everything.std(0).max() > 0.01
    torch.testing.assert_close(some, everything[::5])
    assert int(network.bn1.num_batches_tracked) == 0


def test_a_long_prediction_tries_the_threads_again_when_its_batches_get_far_slower(
    tiny_images, monkeypatch: pytest.MonkeyPatch
):
    tried = []

    def try_threads() -> None:
        cpu_threads._small_network()()  # with a backward pass, though this only predicts
        tried.append(True)

    monkeypatch.setattr(cpu_threads, "choose_threads", try_threads)
    monkeypatch.setattr(cpu_threads, "WINDOW_SECONDS", 0.0)
    monkeypatch.setattr(cpu_threads, "FAR_LONGER", 0.0)
    monkeypatch.setattr("scan_core.encoders.inference.PIXELS_ON_CPU", 1)
    network, ids = ResNet("resnet10", stem="3x3", width=4, channels=tiny_images.channels), torch.arange(4)
    about = {"mean": [0.5] * tiny_images.channels, "std": [0.5] * tiny_images.channels, "precision": "float32"}
    infer(network, tiny_images, ids, **about)
    assert not tried
    infer(network, tiny_images, ids, **about, description="embed")
    assert tried


def test_what_is_there_so_far_is_handed_over_now_and_then(tiny_images, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("scan_core.encoders.inference.SAVE_SECONDS", 0.0)
    monkeypatch.setattr("scan_core.encoders.inference.SHARE_OF_TIME", math.inf)
    monkeypatch.setattr("scan_core.encoders.inference.PIXELS_ON_CPU", 2 * tiny_images.size**2)
    about = {"mean": [0.0] * tiny_images.channels, "std": [1.0] * tiny_images.channels, "precision": "float32"}
    parts: list[Tensor] = []
    found = infer(Seen(), tiny_images, torch.arange(5), **about, whole_batches=True, save=parts.append)
    assert [len(part) for part in parts] == [2, 4, 5]
    assert all(torch.equal(part, found[: len(part)]) for part in parts)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_in_whole_batches_what_is_said_of_an_image_is_the_same_bytes_whatever_the_others_are(layout):
    torch.manual_seed(0)
    network = ResNet("resnet10", width=8, stem="3x3", channels=3).to(memory_format=layout)
    pixels = np.random.default_rng(0).integers(0, 256, (150, 3, 64, 64), dtype=np.uint8)
    images = ResidentImages(pixels, torch.device("cpu"))

    def said(ids: Tensor) -> Tensor:
        return infer(network, images, ids, mean=[0.5] * 3, std=[0.2] * 3, precision="float32", whole_batches=True)

    everything = said(torch.arange(150))
    for ids in (torch.tensor([3]), torch.tensor([149, 0, 70, 1, 2]), torch.arange(150).flip(0)[:69]):
        assert torch.equal(said(ids), everything[ids])
    assert everything.std(0).max() > 0.01
