"""What processes of one machine give each other, by way of memory that they share.

Batch normalization over a whole batch waits for the other processes twice in every layer. Messages through gloo take
longer than the layers of a small network (``benchmarks.processes``).
"""

import os
import time
from collections.abc import Iterator

import torch
import torch.distributed as dist
from jaxtyping import Shaped, UInt8
from torch import Tensor

CAPACITY = 2**20
"""Bytes that a process gives in a round."""
LINE = 64
"""Bytes from the counts of one process to those of the next, so that no cache line of a processor has two."""
PATIENCE = 0.01
"""Seconds to look at another's counts without sleeping."""


class SharedMemory:
    """Memory of all processes of the default group, who make it together, and use it in the same order.

    In a round, each process writes what it gives to its place, then counts it, and then looks until all have counted
    theirs. There are two sets of places, used in turn: who counts a round has read the one before.

    Raises:
        OSError: there is no room for it.
    """

    def __init__(self) -> None:
        self._rank, self._processes = dist.get_rank(), dist.get_world_size()
        header = LINE * self._processes
        memory = _map(header + 2 * self._processes * CAPACITY)
        lines = memory[:header].view(torch.int64).view(self._processes, -1).numpy()
        self._rounds, self._process_ids, *self._sizes = (lines[:, column].data for column in range(4))
        self._places = memory[header:].view(2, self._processes, CAPACITY)
        self._process_ids[self._rank] = os.getpid()
        dist.barrier()

    def all_gather(self, values: Shaped[Tensor, "..."]) -> Shaped[Tensor, "processes ..."]:
        """The tensors of all processes, which are of one shape, by rank.

        Raises:
            RuntimeError: another process has ended, or gives something else.
        """
        gathered = [given.clone() for given in self._exchange(values)]
        return _joined(gathered).view(self._processes, *values.shape)

    def all_reduce(self, values: Shaped[Tensor, "..."]) -> Shaped[Tensor, "..."]:
        """The sum of the tensors of all processes, which are of one shape; the same bytes in each.

        Raises:
            RuntimeError: another process has ended, or gives something else.
        """
        summed = [torch.sum(given, 0, dtype=values.dtype) for given in self._exchange(values)]
        return _joined(summed).view(values.shape)

    def _exchange(self, values: Shaped[Tensor, "..."]) -> Iterator[Shaped[Tensor, "processes part"]]:
        """What all give, part by part; to be read before the next."""
        for own in torch.split(values.contiguous().view(-1), CAPACITY // values.element_size()):
            number = self._rounds[self._rank] + 1
            given = self._places[number % 2].view(own.dtype)[:, : len(own)]
            given[self._rank] = own
            sizes = self._sizes[number % 2]
            sizes[self._rank] = values.nbytes
            self._rounds[self._rank] = number
            for other in range(self._processes):
                self._wait_for(other, number)
                if sizes[other] != values.nbytes:
                    raise RuntimeError(f"process {other} gives {sizes[other]} bytes, {self._rank} {values.nbytes}")
            yield given

    def _wait_for(self, other: int, number: int) -> None:
        if self._rounds[other] >= number:
            return
        limit = time.perf_counter() + PATIENCE
        while self._rounds[other] < number:
            if time.perf_counter() < limit:
                os.sched_yield()
            else:
                time.sleep(1e-3)
                _check_running(other, self._process_ids[other])


def _check_running(rank: int, process_id: int) -> None:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        raise RuntimeError(f"process {rank} has ended") from None


def _joined(parts: list[Shaped[Tensor, "*processes _"]]) -> Shaped[Tensor, "*processes values"]:
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)


def _map(size: int) -> UInt8[Tensor, " size"]:
    """Zeros that all processes see, of a file without a name, which lives as long as they do."""
    name = [""]
    if dist.get_rank() == 0:
        descriptor = os.memfd_create("scan_core")
        os.posix_fallocate(descriptor, 0, size)
        name[0] = f"/proc/{os.getpid()}/fd/{descriptor}"
    dist.broadcast_object_list(name)
    memory = torch.from_file(name[0], shared=True, size=size, dtype=torch.uint8)
    dist.barrier()
    if dist.get_rank() == 0:
        os.close(descriptor)
    return memory
