"""Compiling a network for its training, where that pays."""

import torch
from torch import nn

ENOUGH_STEPS = 10_000
"""What compiling takes, about a minute, is earned back in so many steps on a GPU."""


def compiling_pays(device: torch.device, *, steps: int) -> bool:
    """Whether a training of so many ``steps`` on ``device`` ends sooner with a compiled network.

    Measured in ``benchmarks.compiled``: on a processor it gains nothing.
    """
    return device.type == "cuda" and steps >= ENOUGH_STEPS


def compiled(network: nn.Module) -> nn.Module:
    """``network``, with the same weights, and its operations fused for batches of one size.

    Where compiling fails, for want of a C compiler for instance, torch logs it and calls ``network`` as it is.
    """
    import torch._dynamo  # a second, which most runs can do without

    torch._dynamo.config.suppress_errors = True
    return torch.compile(network, dynamic=False)  # type: ignore[return-value]
