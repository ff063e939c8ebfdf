"""A training's whole state as named tensors, so that it can stop after any epoch and continue identically."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

State = dict[str, Tensor]


def capture(module: nn.Module, optimizer: Optimizer, generator: torch.Generator) -> State:
    """Return copies of weights, optimizer moments and random state."""
    state = {f"module.{name}": value.clone() for name, value in module.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        state |= {f"optimizer.{index}.{name}": value.clone() for name, value in moments.items() if value is not None}
    return state | {"generator": generator.get_state()}


def restore(state: Mapping[str, Tensor], module: nn.Module, optimizer: Optimizer, generator: torch.Generator) -> None:
    """Restore what :func:`capture` returned, even if a file has lost the tensors' memory format."""
    module.load_state_dict(part(state, "module"))
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in part(state, "optimizer").items():
        index, moment = name.split(".", 1)
        moments.setdefault(int(index), {})[moment] = _copy_laid_out_as(parameters[int(index)], value)
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    generator.set_state(state["generator"].cpu())


def part(state: Mapping[str, Tensor], prefix: str) -> State:
    """Return the tensors whose names start with ``prefix`` and a dot, without this prefix."""
    return {name.removeprefix(f"{prefix}."): value for name, value in state.items() if name.startswith(f"{prefix}.")}


def _copy_laid_out_as(parameter: Tensor, moment: Tensor) -> Tensor:
    """Copy in the memory format of the parameter, since fused optimizers go through memory in order."""
    if moment.shape != parameter.shape:  # Adam's step count
        return moment.clone()
    return torch.empty_like(parameter, requires_grad=False).copy_(moment)
