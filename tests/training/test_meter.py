import pytest
import torch
from torch import nn

from scan_core.errors import TrainingError
from scan_core.training.meter import Meter


def filled(broken: list[bool], values: list[float]) -> Meter:
    meter = Meter(torch.device("cpu"))
    for flag, value in zip(broken, values, strict=True):
        meter.add(torch.tensor(flag), loss=torch.tensor(value))
    return meter


def test_averages_leave_broken_steps_out():
    meter = filled([False] * 10 + [True], [2.0] * 5 + [4.0] * 5 + [float("nan")])
    assert meter.read(nn.Identity(), learning_rate=0.1) == {"loss": 3.0, "skipped_steps": 1.0}


def test_many_broken_steps_name_the_first_and_the_learning_rate():
    meter = filled([False, True, True], [1.0, float("nan"), float("inf")])
    with pytest.raises(TrainingError, match=r"in 2 of 3 steps \(first: step 1 .* learning rate 0\.25\)"):
        meter.read(nn.Identity(), learning_rate=0.25)


def test_spoilt_running_statistics_stop_the_training():
    norm = nn.BatchNorm1d(2)
    norm(torch.full((3, 2), torch.nan))
    with pytest.raises(TrainingError, match="not finite in 1 of 11 steps"):
        filled([False] * 10 + [True], [1.0] * 11).read(norm, learning_rate=0.1)
