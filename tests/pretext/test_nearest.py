import pytest
import torch

from scan_core.pretext.nearest import near_chance, share_of_nearest


def test_share_by_hand():
    # The first query is nearest to its own key, in direction, though the second key is longer; the second is not.
    queries = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    keys = torch.tensor([[2.0, 0.0], [3.0, 1.0], [0.0, 4.0]])
    # Cosines: 1, 0.95, 0 | 0, 0.32, 1 | -1, -0.95, 0.
    assert share_of_nearest(queries, keys).item() == pytest.approx(2 / 3)


def test_own_keys_may_be_in_the_opposite_direction():
    queries = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert share_of_nearest(queries, torch.tensor([[-1.0, 9.0], [-9.0, 0.0]])).item() == pytest.approx(0.5)


def test_equal_keys_are_not_nearest():
    assert share_of_nearest(torch.ones(4, 3), torch.ones(4, 3)) == 0


def test_twice_as_often_as_by_chance():
    assert near_chance(8) == 2 / 8
    assert near_chance(2) == 0.75  # where twice would be always
