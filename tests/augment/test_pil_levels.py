import pytest
import torch
from PIL import ImageOps
from torch import Tensor

from scan_core.augment.pil_levels import autocontrast, equalize, posterize, solarize
from tests.augment.pil import one_by_one

CASES = [
    (posterize, lambda image, value: ImageOps.posterize(image, int(value)), 1.0, 8.0),
    (solarize, ImageOps.solarize, 0.0, 256.0),
    (autocontrast, lambda image, _: ImageOps.autocontrast(image), 0.0, 1.0),
    (equalize, lambda image, _: ImageOps.equalize(image), 0.0, 1.0),
]


def values_between(low: float, high: float, count: int, generator: torch.Generator) -> Tensor:
    values = low + (high - low) * torch.rand(count, generator=generator)
    values[0], values[1], values[2] = low, high, (low + high) // 2
    return values


@pytest.mark.parametrize(("operation", "reference", "low", "high"), CASES)
def test_equals_pil(operation, reference, low, high, pixels, generator):
    for _ in range(4):
        values = values_between(low, high, len(pixels), generator)
        assert torch.equal(operation(pixels, values), one_by_one(reference, pixels, values))
        pixels = pixels.roll(1, 0)


def test_autocontrast_equals_pil_for_many_pairs_of_levels():
    levels = torch.arange(256)
    for darkest in range(0, 256, 5):
        brightest = torch.arange(darkest, 256).view(-1, 1, 1, 1)
        pixels = levels.clamp(min=darkest).minimum(brightest).to(torch.uint8)
        unused = torch.zeros(len(pixels))
        expected = one_by_one(lambda image, _: ImageOps.autocontrast(image), pixels, unused)
        assert torch.equal(autocontrast(pixels, unused), expected)


def test_equalize_equals_pil_for_uneven_histograms(generator):
    size = 40
    noise = torch.rand(60, 3, size, size, generator=generator)
    powers = torch.rand(60, 3, 1, 1, generator=generator) * 8
    pixels = (noise**powers * 255).to(torch.uint8)
    expected = one_by_one(lambda image, _: ImageOps.equalize(image), pixels, torch.zeros(60))
    assert torch.equal(equalize(pixels, torch.zeros(60)), expected)


def test_solarize_and_posterize_by_hand():
    pixels = torch.tensor([0, 99, 100, 255], dtype=torch.uint8).view(1, 1, 1, 4)
    assert solarize(pixels, torch.tensor([100.0])).flatten().tolist() == [0, 99, 155, 0]
    # 4 bits keep multiples of 16.
    assert posterize(pixels, torch.tensor([4.9])).flatten().tolist() == [0, 96, 96, 240]
