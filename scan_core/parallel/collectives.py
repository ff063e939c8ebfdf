"""Collectives over all processes of the default group, without gradient."""

import torch
import torch.distributed as dist
from jaxtyping import Shaped
from torch import Tensor


def all_gather(values: Shaped[Tensor, "..."]) -> Shaped[Tensor, "processes ..."]:
    """Return the tensors of all processes, all of one shape, by rank."""
    gathered = values.new_empty(dist.get_world_size(), *values.shape)
    dist.all_gather([*gathered], values.contiguous())
    return gathered


def all_reduce(values: Shaped[Tensor, "..."]) -> Shaped[Tensor, "..."]:
    """Return the sum of the tensors of all processes, all of one shape."""
    values = values.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(values)
    return values
