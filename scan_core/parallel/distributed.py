"""Let several processes train as one: each has an equal part of every batch, and all have the same weights.

In a single process, everything here is the identity. With a process group (torch.distributed, started by torchrun),
every process computes the loss of the whole batch. Gradients are those of the sum of all processes' losses;
``DistributedDataParallel`` averages them over the processes, which gives the gradient of the one loss. A batch may hold
several groups, one after the other, such as the first and the second views of its images. A process has the same part
of each group.
"""

from typing import Any, TypeVar

import torch
import torch.distributed as dist
from jaxtyping import Float, Int64, Shaped
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from scan_core.parallel.collectives import all_gather, all_reduce
from scan_core.parallel.synchronized_norm import SynchronizedBatchNorm

T = TypeVar("T")


def processes() -> int:
    """Return the number of processes that train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Return the rank of this process; rank 0 writes files."""
    return dist.get_rank() if processes() > 1 else 0


def wait_for_all() -> None:
    """Wait until every process has reached this call."""
    if processes() > 1:
        dist.barrier()


def gather_objects(own: T) -> list[T]:
    """Return on rank 0 the objects of all processes, by rank; on other ranks an empty list."""
    if processes() == 1:
        return [own]
    found: list[T] | None = [own] * processes() if rank() == 0 else None
    dist.gather_object(own, found)
    return found or []


def part_of_batch(batch: Shaped[Tensor, "steps batch"]) -> Shaped[Tensor, "steps part"]:
    """Return this process's part of each row.

    Raises:
        ValueError: the batch cannot be divided by the number of processes.
    """
    if batch.shape[1] % processes():
        raise ValueError(f"a batch of {batch.shape[1]} for {processes()} processes, expected a multiple of them")
    return batch.chunk(processes(), dim=1)[rank()]


def share(count: int) -> slice:
    """Return this process's share, as equal as possible, of ``count`` things."""
    return slice(count * rank() // processes(), count * (rank() + 1) // processes())


def rows_of_part(count: int, *, groups: int, device: torch.device) -> Int64[Tensor, " part"]:
    """Return the rows that this process has in a whole batch of ``count`` rows, in all groups."""
    return torch.arange(count, device=device).view(groups, processes(), -1)[:, rank()].flatten()


def replicate(model: nn.Module) -> nn.Module:
    """Return the network to call in training instead of ``model``; both share weights and statistics.

    All processes must have made the same ``model``, from the same seed or file. Its batch normalization (from now on
    also that of ``model``) uses the statistics of the whole batch; the backward pass averages gradients over the
    processes.
    """
    if processes() == 1:
        return model
    SynchronizedBatchNorm.convert(model)
    network = DistributedDataParallel(model, gradient_as_bucket_view=True)
    network.broadcast_buffers = False  # all processes compute the same statistics
    return network


def gather(values: Float[Tensor, "..."], *, groups: int = 1) -> Float[Tensor, "..."]:
    """Return the rows of all processes, in the order of the whole batch, with gradient."""
    if processes() == 1:
        return values
    gathered: Tensor = _Gather.apply(values)
    grouped = gathered.view(processes(), groups, -1, *values.shape[1:])
    return grouped.transpose(0, 1).flatten(0, 2)


def total(values: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """Return the sum over all processes; the gradient holds if all compute the same loss from it."""
    return values if processes() == 1 else _Total.apply(values)


def average(values: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """Return the mean over all processes, with gradient; see :func:`total`."""
    return values if processes() == 1 else total(values) / processes()


def log_total(values: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """Return the logarithm of the sum over all processes of ``exp(values)``, with gradient; see :func:`total`."""
    if processes() == 1:
        return values
    own = values.detach()
    whole = all_gather(own).logsumexp(0)
    return whole + processes() * (own - whole).exp() * (values - own)  # the last factor is 0, with gradient 1


class _Gather(torch.autograd.Function):
    """Map [...] to [processes, ...]."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return all_gather(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return all_reduce(gradient)[rank()]


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return all_reduce(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * processes()  # the sum of equal gradients
