import math

import pytest
import torch

from scan_core.baselines.iic import iic_loss


def _log(*rows: list[float]) -> torch.Tensor:
    """One head's log-probabilities."""
    return torch.tensor([rows]).clamp(min=1e-12).log()


def test_views_that_agree_share_all_that_two_clusters_can_say():
    agree = _log([1, 0], [0, 1])
    assert iic_loss(agree, agree).item() == pytest.approx(-math.log(2), rel=1e-4)


def test_one_cluster_or_uniform_clusters_share_nothing():
    for same in (_log([1, 0], [1, 0]), _log([0.5, 0.5], [0.5, 0.5])):
        assert iic_loss(same, same).item() == pytest.approx(0, abs=1e-5)


def test_a_joint_distribution_by_hand():
    # P = ([1, 0] x [3/4, 1/4] + [0, 1] x [0, 1]) / 2 = [[3/8, 1/8], [0, 1/2]], symmetric [[6, 1], [1, 8]] / 16, whose
    # rows sum to 7/16 and 9/16.
    expected = (
        6 / 16 * math.log((6 / 16) / (7 / 16) ** 2)
        + 2 / 16 * math.log((1 / 16) / (7 / 16 * 9 / 16))
        + 8 / 16 * math.log((8 / 16) / (9 / 16) ** 2)
    )
    found = iic_loss(_log([1, 0], [0, 1]), _log([0.75, 0.25], [0, 1]))
    assert found.item() == pytest.approx(-expected, rel=1e-4)


def test_each_head_has_its_own_loss():
    agree, same = _log([1, 0], [0, 1]), _log([1, 0], [1, 0])
    both = torch.cat([agree, same])
    assert iic_loss(both, both).tolist() == pytest.approx([-math.log(2), 0], abs=1e-4)
