import math

import pytest

from scan_core.clustering.scan_loss import chance_consistency
from scan_core.pretext.nt_xent import chance_loss
from scan_core.training.chance import first_look, last_at_chance


def test_a_tenth_of_the_epochs_but_one():
    assert [first_look(epochs) for epochs in (1, 9, 10, 11, 50, 51)] == [1, 1, 1, 2, 5, 6]


def test_the_last_epoch_within_two_percent_of_chance():
    assert last_at_chance([5.6, 5.5, 5.4, 4.9], chance=5.541) == 2  # 0.98 of it is 5.43
    assert last_at_chance([4.9, 5.6, 4.9], chance=5.541) == 2
    assert last_at_chance([4.9], chance=5.541) == 0
    assert last_at_chance([], chance=5.541) == 0


def test_what_chance_is():
    assert chance_loss(128) == pytest.approx(5.541, abs=5e-4)  # ln 255
    assert chance_consistency(10) == math.log(10)
    # two images that are in one of two clusters half of the time, and in two others a tenth each
    assert chance_consistency(4, [4.0, 4.0, 1.0, 1.0]) == pytest.approx(-math.log(0.34))
