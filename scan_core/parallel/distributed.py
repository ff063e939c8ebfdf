"""Several processes that train as one: each has an equal part of every batch, and all have the same weights.

In a single process everything here is the identity. With a process group (torch.distributed, which torchrun starts),
losses are those of the whole batch, the same number in each process. What carries a gradient does so as if the sum of
all processes' losses were minimized; ``DistributedDataParallel`` then averages over the processes, and that is the
gradient of the one loss. A batch may hold several groups, one after the other: the first and the second views of its
images, for instance. A process has the same part of each group.
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
    """Return how many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Return the rank of this process; rank 0 writes files."""
    return dist.get_rank() if processes() > 1 else 0


def wait_for_all() -> None:
    """Wait until every process has come here."""
    if processes() > 1:
        dist.barrier()


def gather_objects(own: T) -> list[T]:
    """Return what each process has, by rank, on rank 0; an empty list on the others."""
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
    """Return this process's share, as equal as can be, of ``count`` things that each process has."""
    return slice(count * rank() // processes(), count * (rank() + 1) // processes())


def rows_of_part(count: int, *, groups: int, device: torch.device) -> Int64[Tensor, " part"]:
    """Return the rows of this process in a whole batch of ``count`` rows, its groups together."""
    return torch.arange(count, device=device).view(groups, processes(), -1)[:, rank()].flatten()


def replicate(model: nn.Module) -> nn.Module:
    """Return the network to call for training in place of ``model``, whose weights and statistics it shares.

    All processes have made the same ``model``, from the same seed or file. Its batch normalization (that of ``model``
    from now on, too) uses the statistics of the whole batch, and the backward pass averages its gradients over the
    processes.
    """
    if processes() == 1:
        return model
    SynchronizedBatchNorm.convert(model)
    network = DistributedDataParallel(model, gradient_as_bucket_view=True)
    network.broadcast_buffers = False  # all processes compute the same ones
    return network


def gather(values: Float[Tensor, "..."], *, groups: int = 1) -> Float[Tensor, "..."]:
    """Return the rows of all processes, in the order of the whole batch, with gradient."""
    if processes() == 1:
        return values
    gathered: Tensor = _Gather.apply(values)
    grouped = gathered.view(processes(), groups, -1, *values.shape[1:])
    return grouped.transpose(0, 1).flatten(0, 2)


def total(values: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """Return the sum over all processes, with gradient if all make the same loss of it, as of everything global."""
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
    """[...] to [processes, ...]."""

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
        return gradient * processes()  # the sum of equal ones
