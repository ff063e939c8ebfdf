"""Compile a network for its training, if that pays."""

import torch
from torch import nn

from scan_core.parallel.distributed import processes

ENOUGH_STEPS = 10_000
"""On a GPU, fewer steps than these make up for the half minute that compiling takes."""


def compiling_pays(device: torch.device, *, steps: int, sizes: int = 1) -> bool:
    """Return whether a training of ``steps`` on ``device`` ends sooner with a compiled network.

    On a CPU it gains nothing (measured in ``benchmarks.compiled``).

    Args:
        sizes: the batch sizes, for each of which the network is compiled.
    """
    return device.type == "cuda" and steps >= sizes * ENOUGH_STEPS


def compiled(network: nn.Module) -> nn.Module:
    """Return ``network`` with the same weights and fused operations, compiled for each batch size.

    In a single process, a GPU replays the recorded passes (CUDA graphs): launching their operations one by one takes
    the host longer than they take. If compiling fails, for instance without a C compiler, torch raises an error, or
    logs it and calls ``network`` as it is with ``torch._dynamo.config.suppress_errors``.
    """
    on_gpu = next(network.parameters()).device.type == "cuda"
    mode = "reduce-overhead" if on_gpu and processes() == 1 else "default"
    return torch.compile(network, dynamic=False, mode=mode)  # type: ignore[return-value]
