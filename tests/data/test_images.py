import numpy as np
import pytest
import torch

from scan_core.data.images import ResidentImages, channel_statistics


def test_gathers_in_the_order_asked_for():
    pixels = np.arange(5 * 12, dtype=np.uint8).reshape(5, 3, 2, 2)
    images = ResidentImages(pixels, torch.device("cpu"))
    assert images.gather(torch.tensor([3, 0, 3])).numpy().tolist() == pixels[[3, 0, 3]].tolist()
    assert len(images) == 5


def test_statistics_equal_numpy_over_the_given_images():
    pixels = np.random.default_rng(0).integers(0, 256, (3000, 3, 4, 4), dtype=np.uint8)
    ids = np.arange(0, 3000, 2)
    mean, std = channel_statistics(pixels, ids)
    chosen = pixels[ids].astype(np.float64) / 255
    assert mean == pytest.approx(chosen.mean((0, 2, 3)))
    assert std == pytest.approx(chosen.std((0, 2, 3)))


def test_a_constant_channel_keeps_a_positive_spread():
    _, std = channel_statistics(np.full((4, 1, 2, 2), 7, np.uint8), np.arange(4))
    assert std == [pytest.approx(1 / 255)]
