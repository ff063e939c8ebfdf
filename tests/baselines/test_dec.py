import math

import pytest
import torch

from scan_core.baselines.dec import dec_loss, soft_assignment, target_distribution


def test_shares_fall_with_the_squared_distance():
    # 1 / (1 + 0) and 1 / (1 + 3^2).
    shares = soft_assignment(torch.tensor([[0.0]]), torch.tensor([[0.0], [3.0]]))
    assert shares[0].tolist() == pytest.approx([10 / 11, 1 / 11])


def test_targets_are_sharper_and_level_sizes():
    # Sizes 1.2 and 0.8: of the first image 0.64 / 1.2 to 0.04 / 0.8, of the second one 0.16 / 1.2 to 0.36 / 0.8.
    target = target_distribution(torch.tensor([[0.8, 0.2], [0.4, 0.6]]))
    first, second = 0.64 / 1.2 / (0.64 / 1.2 + 0.04 / 0.8), 0.36 / 0.8 / (0.16 / 1.2 + 0.36 / 0.8)
    assert target[0].tolist() == pytest.approx([first, 1 - first])
    assert target[1].tolist() == pytest.approx([1 - second, second])


def test_the_loss_is_the_divergence_from_the_target():
    target, shares = torch.tensor([[1.0, 0.0], [0.5, 0.5]]), torch.tensor([[0.5, 0.5], [0.25, 0.75]])
    second = 0.5 * math.log(2) + 0.5 * math.log(2 / 3)
    assert dec_loss(target, shares).item() == pytest.approx((math.log(2) + second) / 2, rel=1e-5)
    assert dec_loss(shares, shares).item() == pytest.approx(0, abs=1e-6)
