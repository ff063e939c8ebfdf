"""What all processes of the default group give, in each of them; without gradient."""

import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from jaxtyping import Shaped
from torch import Tensor

from scan_core.parallel.shared_memory import SharedMemory

_memory: SharedMemory | None = None


@contextmanager
def in_shared_memory() -> Iterator[None]:
    """Within the block, exchange by way of shared memory, which changes results by rounding at most.

    For all processes of the group together, if they are on one machine and their tensors on its processors.
    Processors other than x86 keep sending, since they may see others' writes in another order.
    """
    global _memory
    if sys.platform == "linux" and platform.machine() == "x86_64":
        _memory = SharedMemory()
    try:
        yield
    finally:
        _memory = None


def all_gather(values: Shaped[Tensor, "..."]) -> Shaped[Tensor, "processes ..."]:
    """The tensors of all processes, which are of one shape, by rank."""
    if _memory:
        return _memory.all_gather(values)
    gathered = values.new_empty(dist.get_world_size(), *values.shape)
    dist.all_gather([*gathered], values.contiguous())
    return gathered


def all_reduce(values: Shaped[Tensor, "..."]) -> Shaped[Tensor, "..."]:
    """The sum of the tensors of all processes, which are of one shape."""
    if _memory:
        return _memory.all_reduce(values)
    values = values.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(values)
    return values
