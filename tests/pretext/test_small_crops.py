import pytest
import torch

from scan_core.pretext.small_crops import small_crops, small_size

OPERATIONS = {"random_resized_crop": {"scale": (0.5, 1.0), "ratio": (1.0, 1.0)}, "random_horizontal_flip": {"p": 0.5}}


def test_the_first_epochs_see_small_crops():
    found = small_crops(OPERATIONS, size=0.75, share=0.6, epochs=15, image_size=32, mean=[0.5], std=[0.2])
    views = found.augmentation(torch.zeros(2, 1, 32, 32, dtype=torch.uint8), torch.Generator())
    assert views.shape == (2, 1, 24, 24)
    assert (found.epochs, found.cost) == (9, pytest.approx(24**2 / 32**2))
    assert "size" not in OPERATIONS["random_resized_crop"]


def test_a_crop_has_at_least_one_pixel():
    assert small_size(4, 0.1) == 1
