"""What every process of the default group gives, for each of them; without gradient."""

import platform
import sys

import torch
import torch.distributed as dist
from jaxtyping import Shaped
from torch import Tensor

from scan_core.runtime.shared_memory import SharedMemory

_memory: SharedMemory | None = None


def share_memory() -> None:
    """Exchange by way of shared memory from now on.

    All processes of the group call this together; they are on this machine, and their tensors on its processors. It
    changes no result. Other processors than x86 keep sending, since they may see others' writes in another order.
    """
    global _memory
    if sys.platform == "linux" and platform.machine() == "x86_64":
        _memory = SharedMemory()


def shares_memory() -> bool:
    """Whether processes exchange by way of shared memory."""
    return _memory is not None


def all_gather(values: Shaped[Tensor, "..."]) -> Shaped[Tensor, "processes ..."]:
    """The tensors of all processes, which are of one shape, by rank."""
    if _memory:
        return _memory.all_gather(values)
    gathered = values.new_empty(dist.get_world_size(), *values.shape)
    dist.all_gather([*gathered], values.contiguous())
    return gathered


def all_sum(values: Shaped[Tensor, "..."]) -> Shaped[Tensor, "..."]:
    """The sum of the tensors of all processes, which are of one shape."""
    if _memory:
        return _memory.all_sum(values)
    values = values.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(values)
    return values
