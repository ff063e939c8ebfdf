import pytest
import torch
from PIL import ImageEnhance

from scan_core.augment.pil_blend import brightness, color, contrast, sharpness
from tests.augment.pil import one_by_one

CASES = [
    (color, ImageEnhance.Color),
    (contrast, ImageEnhance.Contrast),
    (brightness, ImageEnhance.Brightness),
    (sharpness, ImageEnhance.Sharpness),
]


@pytest.mark.parametrize(("operation", "enhance"), CASES)
@pytest.mark.parametrize("high", [1.0, 3.0])
def test_equals_pil(operation, enhance, high, pixels, generator):
    for _ in range(4):
        values = torch.rand(len(pixels), generator=generator) * high
        values[:4] = torch.tensor([0.0, 1.0, 0.05, 0.95])
        expected = one_by_one(lambda image, value: enhance(image).enhance(value), pixels, values)
        assert torch.equal(operation(pixels, values), expected)
        pixels = pixels.roll(1, 0)


def test_color_leaves_one_channel(generator):
    pixels = torch.randint(0, 256, (3, 1, 8, 8), generator=generator).to(torch.uint8)
    assert torch.equal(color(pixels, torch.zeros(3)), pixels)


def test_blends_by_hand():
    pixels = torch.tensor([10, 21], dtype=torch.uint8).view(1, 1, 1, 2)
    # 0.5 * (10, 21), truncated; the mean 15.5 rounds to 16, halfway to it are 13 and 18.5.
    assert brightness(pixels, torch.tensor([0.5])).flatten().tolist() == [5, 10]
    assert contrast(pixels, torch.tensor([0.5])).flatten().tolist() == [13, 18]
