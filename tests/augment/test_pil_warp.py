import pytest
import torch
from PIL import Image

from scan_core.augment.pil_warp import rotate, shear_x, shear_y, translate_x, translate_y, warp
from tests.augment.pil import one_by_one

CASES = [
    (rotate, lambda image, value: image.rotate(value), 89.0),
    (shear_x, lambda image, value: affine(image, (1, value, 0, 0, 1, 0)), 0.6),
    (shear_y, lambda image, value: affine(image, (1, 0, 0, value, 1, 0)), 0.6),
    (translate_x, lambda image, value: affine(image, (1, 0, value * image.width, 0, 1, 0)), 1.1),
    (translate_y, lambda image, value: affine(image, (1, 0, 0, 0, 1, value * image.height)), 1.1),
]


def warped(coefficients, pixels, values):
    return warp(pixels, coefficients(values, *pixels.shape[2:]))


def affine(image, matrix):
    return image.transform(image.size, Image.Transform.AFFINE, matrix)


@pytest.mark.parametrize(("coefficients", "reference", "largest"), CASES)
def test_equals_pil(coefficients, reference, largest, pixels, generator):
    for scale in (largest, largest, 0.3 * largest, 0.1 * largest, 0.01 * largest):
        values = (torch.rand(len(pixels), generator=generator) * 2 - 1) * scale
        values[:5] = torch.tensor([0.0, largest, -largest, 0.1, -0.1])
        assert torch.equal(warped(coefficients, pixels, values), one_by_one(reference, pixels, values))
        pixels = pixels.roll(1, 0)


@pytest.mark.parametrize(("coefficients", "reference", "largest"), CASES)
def test_equals_pil_at_ties(coefficients, reference, largest, generator):
    # Multiples of 1 / 64 of a 32-pixel side put the sampled points exactly between pixels.
    values = torch.arange(-32, 33) / 64
    pixels = torch.randint(0, 256, (65, 3, 32, 32), generator=generator).to(torch.uint8)
    assert torch.equal(warped(coefficients, pixels, values), one_by_one(reference, pixels, values))


def test_translate_by_hand():
    pixels = torch.arange(1, 5, dtype=torch.uint8).view(1, 1, 1, 4)
    assert warped(translate_x, pixels, torch.tensor([0.25])).flatten().tolist() == [2, 3, 4, 0]
    assert warped(translate_x, pixels, torch.tensor([-0.5])).flatten().tolist() == [0, 0, 1, 2]
