"""What many tests need: tiny images, and a check that skips have a named reason."""

import numpy as np
import pytest
import torch

from scan_core.data.images import ResidentImages


@pytest.fixture
def tiny_images() -> ResidentImages:
    """24 images, 1x8x8, of two kinds: bright left half, bright right half, with noise."""
    pixels = np.random.default_rng(0).integers(0, 60, (24, 1, 8, 8), dtype=np.uint8)
    pixels[::2, :, :, :4] += 180
    pixels[1::2, :, :, 4:] += 180
    return ResidentImages(pixels, torch.device("cpu"))
