"""Sum metrics on the device during an epoch, and read them once at its end."""

import torch
from torch import Tensor, nn

from scan_core.errors import TrainingError
from scan_core.parallel.distributed import average


class Meter:
    """Averages metrics over an epoch's finite steps and over all processes, and counts the other steps.

    A step that is broken for one process must be broken for all.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._steps = 0
        self._broken = torch.zeros((), device=device)
        self._first_broken = torch.full((), -1, dtype=torch.int64, device=device)
        self._sums: dict[str, Tensor] = {}

    def add(self, broken: Tensor, **metrics: Tensor) -> None:
        """Add one step's ``metrics`` (scalars), unless it was ``broken`` (a boolean on the device)."""
        first = broken & (self._first_broken < 0)
        self._first_broken = torch.where(first, self._steps, self._first_broken)
        self._steps += 1
        self._broken += broken
        for name, value in metrics.items():
            finite = torch.where(broken, 0.0, value.detach().float())
            self._sums[name] = self._sums.get(name, torch.zeros((), device=self._device)) + finite

    def read(self, network: nn.Module, *, learning_rate: float) -> dict[str, float]:
        """Return the averages, and ``skipped_steps``: how many were not finite and changed no weight.

        Raises:
            TrainingError: more than one step in ten was not finite, or one has damaged the running statistics of
                ``network``.
        """
        broken = int(self._broken)
        sums = dict(zip(self._sums, average(torch.stack([*self._sums.values()])), strict=True))
        if broken * 10 > self._steps or (broken and not _finite_buffers(network)):
            raise TrainingError(
                f"loss or gradient not finite in {broken} of {self._steps} steps (first: step "
                f"{int(self._first_broken)} of the epoch, learning rate {learning_rate:.3g}); "
                "lower learning_rate or use precision: float32"
            )
        counted = self._steps - broken
        averages = {name: float(value) / counted for name, value in sums.items()}
        return {**averages, "skipped_steps": float(broken)}


def _finite_buffers(network: nn.Module) -> bool:
    return all(bool(buffer.isfinite().all()) for buffer in network.buffers())
