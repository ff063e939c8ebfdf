"""Measure the peak memory of a piece of work in a process of its own."""

import multiprocessing
import resource
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import torch


class Peak(NamedTuple):
    """The most bytes that this process has held so far, on the host and on a device."""

    host: int
    device: int
    """Bytes of tensors on the CUDA device; 0 without one."""

    def on(self, device: torch.device) -> int:
        """Return the bytes where work on ``device`` has its tensors."""
        return self.device if device.type == "cuda" else self.host


def peak(device: torch.device) -> Peak:
    """Return the peak of this process, which computes on ``device``."""
    unit = 1 if sys.platform == "darwin" else 1024  # of getrusage
    host = unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Peak(host, torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0)


@contextmanager
def new_processes(module: str) -> Iterator[ProcessPoolExecutor]:
    """Yield an executor that runs each function in a new process, one after the other.

    The processes are forks of one that has only imported ``module``: they start at once, with the memory that its
    libraries take, and may use CUDA. Their stderr is discarded.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module])
    with ProcessPoolExecutor(1, mp_context=context, initializer=_be_silent, max_tasks_per_child=1) as executor:
        yield executor


def _be_silent() -> None:
    """Discard stderr, so that trials show no progress."""
    sys.stderr = None
