"""What processes of one machine give each other, by way of memory that they share.

Batch normalization over a whole batch waits for the other processes twice in every layer. Messages through gloo take
longer than the layers of a small network (``benchmarks.processes``).
"""

import os
import time
from collections.abc import Iterator

import numpy as np
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

Values = Shaped[np.ndarray, " values"]


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
        lines = memory[:header].view(np.int64).reshape(self._processes, -1)
        self._rounds, self._process_ids, *self._sizes = (lines[:, column].data for column in range(4))
        self._places = memory[header:].reshape(2, self._processes, CAPACITY)
        self._process_ids[self._rank] = os.getpid()
        dist.barrier()

    def all_gather(self, values: Shaped[Tensor, "..."]) -> Shaped[Tensor, "processes ..."]:
        """The tensors of all processes, which are of one shape, by rank.

        Raises:
            RuntimeError: another process has ended, or gives something else.
        """
        own = _array(values)
        gathered = np.empty((self._processes, own.size), own.dtype)
        for part, given in self._exchange(own):
            gathered[:, part] = given
        return torch.from_numpy(gathered).view(self._processes, *values.shape).to(values.dtype)

    def all_reduce(self, values: Shaped[Tensor, "..."]) -> Shaped[Tensor, "..."]:
        """The sum of the tensors of all processes, which are of one shape; the same bytes in each.

        Raises:
            RuntimeError: another process has ended, or gives something else.
        """
        own = _array(values)
        summed = np.empty_like(own)
        for part, given in self._exchange(own):
            np.add.reduce(given, axis=0, out=summed[part])
        return torch.from_numpy(summed).view(values.shape).to(values.dtype)

    def _exchange(self, own: Values) -> Iterator[tuple[slice, Shaped[np.ndarray, "processes part"]]]:
        """Part by part of ``own``, what all give; to be read before the next."""
        size = CAPACITY // own.itemsize
        for start in range(0, max(1, own.size), size):
            part = slice(start, min(start + size, own.size))
            number = self._rounds[self._rank] + 1
            given = self._places[number % 2].view(own.dtype)[:, : part.stop - start]
            given[self._rank] = own[part]
            sizes = self._sizes[number % 2]
            sizes[self._rank] = own.nbytes
            self._rounds[self._rank] = number
            for other in range(self._processes):
                self._wait_for(other, number)
                if sizes[other] != own.nbytes:
                    raise RuntimeError(f"process {other} gives {sizes[other]} bytes, {self._rank} {own.nbytes}")
            yield part, given

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


def _array(values: Shaped[Tensor, "..."]) -> Values:
    """As NumPy has them, whose small operations take a third of PyTorch's time.

    Of 32 bits at least: NumPy has no bfloat16, and adds float16 in float16.
    """
    wide = values.float() if values.dtype in (torch.bfloat16, torch.float16) else values
    return wide.detach().contiguous().view(-1).numpy()


def _map(size: int) -> UInt8[np.ndarray, " size"]:
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
    return memory.numpy()
