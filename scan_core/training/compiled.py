"""Compiling a network for its training, where that pays."""

import torch
from torch import nn

from scan_core.parallel.distributed import processes

ENOUGH_STEPS = 10_000
"""What compiling takes, about half a minute, is earned back in fewer steps on a GPU."""


def compiling_pays(device: torch.device, *, steps: int, sizes: int = 1) -> bool:
    """Whether a training of so many ``steps`` on ``device`` ends sooner with a compiled network.

    Args:
        sizes: of its batches, for each of which the network is compiled.

    Measured in ``benchmarks.compiled``: on a processor it gains nothing.
    """
    return device.type == "cuda" and steps >= sizes * ENOUGH_STEPS


def compiled(network: nn.Module) -> nn.Module:
    """Return ``network``, with the same weights, and its operations fused, anew for each size of batches.

    In a single process, a GPU repeats the passes as recorded (CUDA graphs): to start their operations one by one takes
    its host longer than they take.

    Where compiling fails, for want of a C compiler for instance, torch raises an error, unless
    ``torch._dynamo.config.suppress_errors`` tells it to log that and to call ``network`` as it is.
    """
    on_gpu = next(network.parameters()).device.type == "cuda"
    mode = "reduce-overhead" if on_gpu and processes() == 1 else "default"
    return torch.compile(network, dynamic=False, mode=mode)  # type: ignore[return-value]
