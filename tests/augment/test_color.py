import itertools

import pytest
import torch
import torchvision.transforms.v2.functional as tvf
from PIL import ImageEnhance

from scan_core.augment.color import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    color_jitter,
    draw_jitter,
    gray,
    random_grayscale,
)
from tests.augment.at_random import at_random
from tests.augment.pil import one_by_one

ADJUSTMENTS = [
    (adjust_brightness, tvf.adjust_brightness, ImageEnhance.Brightness),
    (adjust_contrast, tvf.adjust_contrast, ImageEnhance.Contrast),
    (adjust_saturation, tvf.adjust_saturation, ImageEnhance.Color),
]
SIMCLR = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1, "p": 0.8}


@pytest.mark.parametrize(("adjust", "reference", "enhance"), ADJUSTMENTS)
def test_adjustment_matches_torchvision_and_pil(adjust, reference, enhance, pixels, images, generator):
    factors = torch.rand(len(images), generator=generator) * 2
    factors[:3] = torch.tensor([0.0, 1.0, 2.0])
    adjusted = adjust(images, factors)
    for image, factor, found in zip(images, factors.tolist(), adjusted, strict=True):
        torch.testing.assert_close(found, reference(image, factor), atol=1e-5, rtol=0)
    # PIL truncates, and rounds the gray that it blends with: either can cost it one level.
    levels = (adjusted * 255 + 1e-3).int()
    expected = one_by_one(lambda image, factor: enhance(image).enhance(factor), pixels, factors)
    assert (levels - expected.int()).abs().max() <= 1


def test_hue_matches_torchvision(images, generator):
    turns = torch.rand(len(images), generator=generator) - 0.5
    turns[:3] = torch.tensor([-0.5, 0.0, 0.5])
    for image, turn, found in zip(images, turns.tolist(), adjust_hue(images, turns), strict=True):
        torch.testing.assert_close(found, tvf.adjust_hue(image, turn), atol=1e-5, rtol=0)


def test_hue_turns_pure_colors():
    # A third of a turn takes red to green, green to blue and blue to red; gray has no hue.
    colors = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.3, 0.3, 0.3]]).view(4, 3, 1, 1)
    turned = adjust_hue(colors, torch.full((4,), 1 / 3))
    expected = torch.tensor([[0.0, 1, 0], [0, 0, 1], [1, 0, 0], [0.3, 0.3, 0.3]]).view(4, 3, 1, 1)
    torch.testing.assert_close(turned, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("adjust", [adjust_saturation, adjust_hue])
def test_one_channel_has_no_color(adjust, generator):
    images = torch.rand(4, 1, 8, 8, generator=generator)
    assert torch.equal(adjust(images, torch.full((4,), 0.3)), images)


def test_gray_matches_torchvision(images):
    torch.testing.assert_close(gray(images), tvf.rgb_to_grayscale(images), atol=1e-6, rtol=0)


def test_jitter_matches_torchvision_in_the_drawn_order(images):
    settings = {"brightness": 0.8, "contrast": 1.5, "saturation": 0.7, "hue": 0.5, "p": 0.7}
    drawn = draw_jitter(len(images), **settings, generator=torch.Generator().manual_seed(3))
    jittered = at_random(color_jitter(**settings), images, torch.Generator().manual_seed(3))
    references = [tvf.adjust_brightness, tvf.adjust_contrast, tvf.adjust_saturation, tvf.adjust_hue]
    references.append(lambda image, _: image)
    for image, ids, values, found in zip(images, drawn.ids.tolist(), drawn.values.tolist(), jittered, strict=True):
        for operation, value in zip(ids, values, strict=True):
            image = references[operation](image, value)
        torch.testing.assert_close(found, image, atol=1e-5, rtol=0)


def test_jitter_draws_every_order_equally_often(generator):
    drawn = draw_jitter(24000, **(SIMCLR | {"p": 1.0}), generator=generator)
    orders = [tuple(order) for order in drawn.ids.tolist()]
    counts = [orders.count(order) for order in itertools.permutations(range(4))]
    # Binomial with mean 1000 and standard deviation 31.
    assert sum(counts) == 24000
    assert min(counts) > 850
    assert max(counts) < 1150


def test_jitter_draws_its_strengths_uniformly(generator):
    settings = {"brightness": 0.4, "contrast": 2.0, "saturation": 0.0, "hue": 0.1, "p": 1.0}
    drawn = draw_jitter(4000, **settings, generator=generator)
    for operation, (low, high) in enumerate([(0.6, 1.4), (0.0, 3.0), (1.0, 1.0), (-0.1, 0.1)]):
        values = drawn.values[drawn.ids == operation]
        assert len(values) == 4000
        assert values.min().item() == pytest.approx(low, abs=0.01)
        assert values.max().item() == pytest.approx(high, abs=0.01)
        assert values.mean().item() == pytest.approx((low + high) / 2, abs=0.06)


def test_jitter_respects_its_probability(generator):
    drawn = draw_jitter(10000, **SIMCLR, generator=generator)
    skipped = drawn.ids == 4
    assert torch.equal(skipped.any(1), skipped.all(1))
    assert skipped.all(1).float().mean().item() == pytest.approx(0.2, abs=0.02)


def test_grayscale_matches_torchvision_and_respects_its_probability(images, generator):
    torch.testing.assert_close(
        at_random(random_grayscale(p=1.0), images, generator), tvf.rgb_to_grayscale(images, images.shape[1])
    )
    assert torch.equal(at_random(random_grayscale(p=0.0), images, generator), images)
    colored = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1).expand(5000, 3, 1, 1)
    grayed = at_random(random_grayscale(p=0.2), colored, generator)[:, 2].flatten() > 0
    assert grayed.float().mean().item() == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize("adjust", [adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue])
def test_adjusting_in_place_gives_the_same(adjust, images, generator):
    values = torch.rand(len(images), generator=generator) - 0.5
    expected = adjust(images.clone(), values)
    assert torch.equal(adjust(images, values, out=images), expected)
    assert torch.equal(images, expected)
