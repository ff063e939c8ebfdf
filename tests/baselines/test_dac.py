import math

import pytest
import torch

from scan_core.baselines.dac import dac_loss, thresholds


def test_clear_pairs_count_and_others_do_not():
    decided = torch.tensor([[1.0, 0.7], [0.7, 0.2]])
    learned = torch.tensor([[0.5, 0.9], [0.1, 0.75]])
    # Of a kind: -log 0.5; not of a kind: -log(1 - 0.75); the two between the thresholds count for nothing.
    expected = (math.log(2) + math.log(4)) / 2
    assert dac_loss(learned, decided, upper=0.95, lower=0.455).item() == pytest.approx(expected)


def test_no_clear_pair_is_no_loss():
    assert dac_loss(torch.full((2, 2), 0.5), torch.full((2, 2), 0.7), upper=0.9, lower=0.5).item() == 0


def test_more_pairs_count_from_epoch_to_epoch_until_all_do():
    assert thresholds(0.0) == pytest.approx((0.95, 0.455))
    assert thresholds(0.5) == pytest.approx((0.725, 0.4775))
    upper, lower = thresholds(1.0)
    assert upper == pytest.approx(lower)
