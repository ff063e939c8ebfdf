import pytest
import torch
import torch._inductor.config
from torch import nn

from scan_core.training.compiled import ENOUGH_STEPS, compiled, compiling_pays

BATCH = torch.linspace(-1, 1, 12).view(4, 3)


@pytest.fixture
def network() -> nn.Module:
    torch._dynamo.reset()
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))


def test_a_compiled_network_shares_its_weights_and_gives_the_same_gradient(network):
    def gradients(called: nn.Module) -> list[torch.Tensor]:
        network.zero_grad()
        called(BATCH).square().sum().backward()
        return [parameter.grad.clone() for parameter in network.parameters()]

    torch.testing.assert_close(gradients(compiled(network)), gradients(network))


def test_without_a_compiler_the_network_is_called_as_it_is(network, caplog):
    nothing_there = {"cpp.cxx": ("/nowhere/c++",), "force_disable_caches": True}
    with torch._inductor.config.patch(nothing_there), torch._dynamo.config.patch(suppress_errors=True):
        assert torch.equal(compiled(network)(BATCH), network(BATCH))
    assert "/nowhere/c++" in caplog.text


@pytest.mark.parametrize(("device", "steps", "pays"), [("cuda", ENOUGH_STEPS, True), ("cuda", 100, False)])
def test_compiling_pays_for_long_trainings_on_a_gpu(device, steps, pays):
    assert compiling_pays(torch.device(device), steps=steps) == pays
    assert not compiling_pays(torch.device(device), steps=steps, sizes=2)
    assert not compiling_pays(torch.device("cpu"), steps=steps)
