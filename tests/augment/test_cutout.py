import torch

from scan_core.augment.cutout import cut, cutout, draw_holes
from tests.augment.at_random import at_random


def test_hole_by_hand():
    # Center (1, 2), half 1: rows 0 and 1, columns 1 and 2.
    result = cut(torch.ones(1, 3, 4, 4), torch.tensor([[1, 2, 1]]))
    expected = [[1, 0, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1], [1, 1, 1, 1]]
    assert result[0].tolist() == [expected] * 3


def test_holes_are_clipped_at_the_borders():
    result = cut(torch.ones(2, 1, 6, 5), torch.tensor([[0, 0, 2], [5, 3, 3]]))
    assert (result[0, 0] == 0).sum() == 2 * 2
    assert (result[1, 0] == 0).sum() == 4 * 5


def test_draws_cover_every_pixel_and_size(generator):
    rows, columns, halves = draw_holes(3000, 6, 9, max_half_length=4, generator=generator).unbind(1)
    assert rows.unique().tolist() == list(range(6))
    assert columns.unique().tolist() == list(range(9))
    assert halves.unique().tolist() == [1, 2, 3, 4]


def test_each_image_has_its_own_hole(generator):
    result = at_random(cutout(max_half_length=8), torch.ones(200, 1, 32, 32), generator)
    sizes = (result == 0).sum((1, 2, 3))
    assert sizes.min() >= 1
    assert sizes.max() <= 16 * 16
    assert len({hole.numpy().tobytes() for hole in result}) > 190


def test_hole_in_a_negative_image_is_a_positive_zero():
    result = cut(torch.full((1, 1, 2, 2), -1.5), torch.tensor([[0, 0, 1]]))
    assert result.flatten().tolist() == [0, -1.5, -1.5, -1.5]
    assert not result[0, 0, 0, 0].signbit()
