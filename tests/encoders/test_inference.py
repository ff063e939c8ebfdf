import numpy as np
import torch
from torch import Tensor, nn

from scan_core.encoders.inference import infer
from scan_core.images.images import ResidentImages


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
