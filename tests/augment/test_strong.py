import pytest
import torch

from scan_core.augment.pil_warp import warp
from scan_core.augment.strong import STRONG_OPERATIONS, draw_strong, strong_operations
from tests.augment.at_random import at_random


def changed(operation, images, values):
    if operation.is_warp:
        return warp(images, operation.function(values, *images.shape[2:]))
    return operation.function(images, values)


def test_matches_one_operation_at_a_time(pixels, images):
    drawn = draw_strong(len(images), count=4, generator=torch.Generator().manual_seed(5))
    augmented = at_random(strong_operations(count=4), images, torch.Generator().manual_seed(5))
    operations = list(STRONG_OPERATIONS.values())
    for i, found in enumerate(augmented):
        expected = pixels[i : i + 1]
        for place, value in zip(drawn.ids[i], drawn.values[i], strict=True):
            expected = changed(operations[place], expected, value[None])
        assert torch.equal(found, expected[0] / 255)


@pytest.mark.parametrize("name", STRONG_OPERATIONS)
def test_an_image_does_not_depend_on_the_others(name, pixels, generator):
    operation = STRONG_OPERATIONS[name]
    values = operation.low + (operation.high - operation.low) * torch.rand(len(pixels), generator=generator)
    together = changed(operation, pixels, values)
    before = pixels.clone()
    alone = torch.cat([changed(operation, pixels[i : i + 1], values[i : i + 1]) for i in range(len(pixels))])
    assert torch.equal(together, alone)
    assert torch.equal(pixels, before)


def test_draws_are_uniform_over_operations_and_values(generator):
    drawn = draw_strong(7000, count=4, generator=generator)
    for place, (_, low, high, _) in enumerate(STRONG_OPERATIONS.values()):
        chosen = drawn.ids == place
        # Binomial: 28000 / 14 = 2000, standard deviation 43.
        assert 1780 < chosen.sum() < 2220
        values, span = drawn.values[chosen], high - low
        assert low <= values.min() <= low + 0.01 * span
        assert high - 0.01 * span <= values.max() <= high


def test_operations_are_drawn_with_replacement_for_each_image(generator):
    ids = draw_strong(2000, count=4, generator=generator).ids
    repeated = (ids.sort(1).values.diff(dim=1) == 0).any(1).float().mean().item()
    # 1 - 13/14 * 12/14 * 11/14.
    assert repeated == pytest.approx(0.375, abs=0.05)
    assert len({tuple(row) for row in ids.tolist()}) > 1800


def test_the_papers_operations_and_ranges():
    factors, shares = (0.05, 0.95), (-0.1, 0.1)
    expected = {
        "identity": (0, 0), "autocontrast": (0, 0), "equalize": (0, 0), "rotate": (-30, 30), "solarize": (0, 256),
        "color": factors, "contrast": factors, "brightness": factors, "sharpness": factors, "shear_x": shares,
        "shear_y": shares, "translate_x": shares, "translate_y": shares, "posterize": (4, 8),
    }  # fmt: skip
    assert {name: (low, high) for name, (_, low, high, _) in STRONG_OPERATIONS.items()} == expected
    assert [function.__name__ for function, *_ in STRONG_OPERATIONS.values()] == list(expected)
