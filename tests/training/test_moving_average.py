import pytest
import torch
from torch import nn

from scan_core.training.moving_average import MovingAverage


def test_weights_and_running_statistics_by_hand():
    module = nn.BatchNorm1d(1)  # weight 1, running mean 0
    average = MovingAverage(module, decay=0.9)
    with torch.no_grad():
        module.weight.fill_(2.0)
        module.running_mean.fill_(10.0)
        module.num_batches_tracked.fill_(7)
    average.update(module)
    average.update(module)
    # 0.9 * (0.9 * 1 + 0.1 * 2) + 0.1 * 2 = 1.19; 0.9 * (0.1 * 10) + 0.1 * 10 = 1.9.
    assert average.module.weight.item() == pytest.approx(1.19)
    assert average.module.running_mean.item() == pytest.approx(1.9)
    assert average.module.num_batches_tracked.item() == 7


def test_the_module_itself_is_never_written_to():
    module = nn.Linear(2, 2)
    average = MovingAverage(module, decay=0.5)
    before = module.weight.detach().clone()
    with torch.no_grad():
        average.module.weight.add_(1.0)
    average.update(module)
    assert torch.equal(module.weight, before)
    assert not average.module.weight.requires_grad


def test_a_state_is_a_copy_and_is_put_back():
    module = nn.Linear(2, 2)
    average, other = MovingAverage(module, decay=0.5), MovingAverage(nn.Linear(2, 2), decay=0.5)
    state, before = average.state_dict(), module.weight.detach().clone()
    with torch.no_grad():
        module.weight.add_(1.0)
    average.update(module)
    other.load_state_dict(state)
    assert torch.equal(other.module.weight, before)
