"""An exponential moving average of a network's weights."""

import copy
from collections.abc import Mapping
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from scan_core.training.state import State

Module = TypeVar("Module", bound=nn.Module)


class MovingAverage(Generic[Module]):
    """A copy of ``module`` that follows it slowly (the mean teacher of Tarvainen and Valpola, 2017).

    Averages running statistics, too, and copies counts. Never writes to ``module``.

    Args:
        decay: the share of the average that a step keeps, in [0, 1).
    """

    def __init__(self, module: Module, *, decay: float) -> None:
        self.module: Module = copy.deepcopy(module).requires_grad_(False)
        """The average."""
        self._follow = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def update(self, module: Module) -> None:
        """Move towards the weights of ``module``: ``average = decay * average + (1 - decay) * weights``."""
        averages, values = self.module.state_dict(), module.state_dict()
        weights = [name for name, average in averages.items() if average.is_floating_point()]
        self._follow([averages[name] for name in weights], [values[name] for name in weights], None)
        for name in averages.keys() - set(weights):
            averages[name].copy_(values[name])

    def state_dict(self) -> State:
        """Return a copy of the average."""
        return {name: value.clone() for name, value in self.module.state_dict().items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Continue from ``state``."""
        self.module.load_state_dict(dict(state))
