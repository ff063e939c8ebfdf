import pytest
import torch
import torchvision.transforms.v2.functional as tvf

from scan_core.augment.affine import AffineParameters, affine, draw_affine, random_affine
from tests.augment.at_random import at_random

SETTINGS = {"degrees": 40.0, "translate": 0.2, "scale": (0.6, 1.7), "shear": 20.0}


def test_affine_matches_torchvision(images, generator):
    drawn = draw_affine(len(images), *images.shape[-2:], **SETTINGS, generator=generator)
    for i, found in enumerate(affine(images, drawn)):
        expected = tvf.affine(
            images[i],
            angle=drawn.angles[i].item(),
            translate=drawn.shifts[i].tolist(),
            scale=drawn.scales[i].item(),
            shear=[drawn.shears[i].item(), 0.0],
            interpolation=tvf.InterpolationMode.BILINEAR,
        )
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_whole_shift_moves_pixels_and_fills_with_black():
    images = torch.arange(1.0, 10).view(1, 1, 3, 3)
    one = torch.ones(1)
    shifted = affine(images, AffineParameters(one * 0, torch.tensor([[1.0, 0.0]]), one, one * 0))
    assert shifted.view(3, 3).tolist() == [[0, 1, 2], [0, 4, 5], [0, 7, 8]]


def test_neutral_settings_change_nothing(images, generator):
    result = at_random(random_affine(degrees=0.0, translate=0.0, scale=(1.0, 1.0), shear=0.0), images, generator)
    torch.testing.assert_close(result, images, atol=1e-5, rtol=0)


def test_parameters_fill_their_ranges(generator):
    drawn = draw_affine(4000, 20, 50, **SETTINGS, generator=generator)
    limits = [(drawn.angles, -40, 40), (drawn.scales, 0.6, 1.7), (drawn.shears, -20, 20)]
    limits += [(drawn.shifts[:, 0], -10, 10), (drawn.shifts[:, 1], -4, 4)]
    for values, low, high in limits:
        span = high - low
        assert low <= values.min() < low + 0.01 * span
        assert high - 0.01 * span < values.max() <= high
        assert values.mean().item() == pytest.approx((low + high) / 2, abs=0.03 * span)
