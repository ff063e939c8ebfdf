import copy
from functools import partial

import pytest
import torch
from torch import nn

from scan_core.training.update import make_optimizer, sgd, update


@pytest.fixture(params=["sgd", "adam"])
def optimizer_of(request: pytest.FixtureRequest):
    return lambda module: make_optimizer(request.param, module, momentum=0.9, weight_decay=0.1)


def everything(module: nn.Module, optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    moments = [m for state in optimizer.state_dict()["state"].values() for m in state.values() if m is not None]
    return [value.clone() for value in [*module.state_dict().values(), *moments]]


def test_a_loss_that_is_not_finite_changes_nothing(optimizer_of):
    module = nn.Linear(3, 2)
    optimizer = optimizer_of(module)
    assert not update(optimizer, module(torch.ones(4, 3)).sum(), learning_rate=0.1)
    before = everything(module, optimizer)
    assert update(optimizer, module(torch.ones(4, 3)).sum() * torch.nan, learning_rate=0.1)
    after = everything(module, optimizer)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_an_infinite_gradient_of_a_finite_loss_changes_nothing(optimizer_of):
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    optimizer = optimizer_of(module)
    assert update(optimizer, module(torch.zeros(1, 1)).abs().sqrt().sum(), learning_rate=0.1)
    assert all(not value.any() for value in everything(module, optimizer))


def test_skip_is_not_counted_as_broken(optimizer_of):
    module = nn.Linear(3, 2)
    weight = module.weight.detach().clone()
    assert not update(optimizer_of(module), module(torch.ones(4, 3)).sum(), learning_rate=0.1, skip=torch.tensor(True))
    assert torch.equal(module.weight, weight)


def test_learning_rate_is_that_of_the_call():
    module = nn.Linear(1, 1, bias=False)
    nn.init.ones_(module.weight)
    optimizer = sgd(module, momentum=0.0, weight_decay=0.0)
    update(optimizer, module(torch.ones(1, 1)).sum(), learning_rate=0.25)
    assert module.weight.item() == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("name", "library"), [("sgd", partial(torch.optim.SGD, momentum=0.9)), ("adam", torch.optim.Adam)]
)
def test_updates_are_those_of_the_library(name, library):
    torch.manual_seed(0)
    module = nn.Linear(3, 2)
    usual = copy.deepcopy(module)
    optimizer = make_optimizer(name, module, momentum=0.9, weight_decay=0.1)
    reference = library(usual.parameters(), lr=0.01, weight_decay=0.1, fused=True)
    for x in torch.randn(5, 4, 3):
        update(optimizer, module(x).square().sum(), learning_rate=0.01)
        reference.zero_grad()
        usual(x).square().sum().backward()
        reference.step()
    assert torch.equal(module.weight, usual.weight)
    assert torch.equal(module.bias, usual.bias)
