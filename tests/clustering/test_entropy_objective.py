import math

import pytest
import torch

from scan_core.clustering.entropy_objective import entropy_objective

ALONE = torch.empty(2, 0, dtype=torch.int64)


def test_by_hand():
    logits = torch.tensor([[math.log(3), 0.0], [0.0, math.log(3)]])  # probabilities of 3/4 and 1/4
    objective = entropy_objective(entropy_weight=2.0)
    sample = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    for loss in (objective.loss(logits, torch.randn(2, 2)), objective.selection(logits, ALONE)):
        assert loss.consistency.item() == pytest.approx(sample)
        assert loss.entropy.item() == pytest.approx(math.log(2))
        assert loss.total.item() == pytest.approx(sample - 2 * math.log(2))


def test_a_prior_takes_the_place_of_equal_sizes():
    logits = torch.tensor([[math.log(3), 0.0]]).expand(4, 2)
    objective = entropy_objective(entropy_weight=2.0, prior=[3.0, 1.0])
    found = objective.loss(logits, logits)
    assert found.total.item() == pytest.approx(found.consistency.item())  # the mean prediction is the prior


def test_uniform_predictions_are_at_chance():
    found = entropy_objective(entropy_weight=5.0).loss(torch.zeros(3, 2, 4), torch.zeros(3, 2, 4))
    assert found.consistency.tolist() == pytest.approx([math.log(4)] * 3)
