"""Choose the number of threads that compute on a CPU: all, unless other programs keep the CPU busy.

Threads that share an operation wait for each other at its end, in some kernels busily. If another program holds a
thread's core, two threads may take ten times as long as one.
"""

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch
from torch import Tensor, nn

from scan_core.console.progress import say
from scan_core.parallel.distributed import processes

T = TypeVar("T")
MOST = torch.get_num_threads()
"""The number of threads that PyTorch chooses for this machine."""
SET_OUTSIDE = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
LEAST_GAIN = 0.8
"""Several threads are worth it if they take at most this share of the time that one thread takes."""
TRIAL_SECONDS, LONGEST_TRIAL = 0.1, 1.0
FEWEST_CALLS = 5
IMAGES_PER_THREAD = 32
WINDOW_SECONDS = 3.0
"""The period over which the time of steps is averaged."""
FAR_LONGER = 3.0
"""Steps that take this many times the shortest cause a new trial; full crops take twice as long as small ones."""
LOOK_AGAIN_SECONDS = 60.0
CROWDED = 0.75
"""All threads are tried again if they get less than this share of the time of the cores that they got before."""


def choose_threads() -> None:
    """Let PyTorch compute on the number of threads that is fastest now, by a trial of about a second.

    Results with different numbers of threads differ by floating-point order. So a number that is set from outside
    (``SET_OUTSIDE``) stays, and so does that of each of several processes.
    """
    if MOST == 1 or any(name in os.environ for name in SET_OUTSIDE) or processes() > 1:
        return
    before = torch.get_num_threads()
    seconds = {count: _seconds(_small_network(), count) for count in halves(MOST)}
    count = fastest(seconds)
    torch.set_num_threads(count)
    if count < MOST and count != before:
        slower = seconds[MOST] / seconds[count]
        say(f"computing on {count} of {MOST} threads: all take {slower:.1f} times as long now (a busy machine?)")
    elif count != before:
        say(f"computing on all {MOST} threads again")


def halves(most: int) -> list[int]:
    """Return ``most``, half of it, and so on down to 1."""
    return [most >> shift for shift in range(most.bit_length())]


def fastest(seconds: dict[int, float]) -> int:
    """Return the number of threads to use, given number -> seconds for the same work, including 1.

    Takes the largest number if it is clearly faster than one thread and hardly slower than the best: trials are short,
    and long work gains more.
    """
    most, best = max(seconds), min(seconds, key=lambda count: seconds[count])
    if seconds[most] <= LEAST_GAIN * seconds[1] and LEAST_GAIN * seconds[most] <= seconds[best]:
        return most
    return best if seconds[best] <= LEAST_GAIN * seconds[1] else 1


def _seconds(work: Callable[[], None], threads: int) -> float:
    """Return the mean time of one call of ``work``."""
    torch.set_num_threads(threads)
    work()
    started, calls, passed = time.monotonic(), 0, 0.0
    while passed < LONGEST_TRIAL and (calls < FEWEST_CALLS or passed < TRIAL_SECONDS):
        work()
        calls += 1
        passed = time.monotonic() - started
    return passed / calls


def _small_network() -> Callable[[], None]:
    """Return a forward and backward pass of two convolutions that leaves PyTorch's global random state alone."""
    layers = [nn.Conv2d(32, 32, 3, padding=1, device="meta") for _ in range(2)]
    model = nn.Sequential(*layers).to_empty(device="cpu").to(memory_format=torch.channels_last)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.01)
    images: Tensor = torch.ones(IMAGES_PER_THREAD * min(MOST, 16), 32, 16, 16).to(memory_format=torch.channels_last)

    @torch.enable_grad()  # also where a network only predicts
    def work() -> None:
        model(images).square().mean().backward()

    return work


class FittingThreads:
    """Calls :func:`choose_threads` again during long work on ``device`` when its steps take far longer than before.

    It also does so if all threads get far less of the CPU's time than before, and every minute if fewer than all
    compute; both for the first time after a few seconds, for a program that has just started gets more of a busy CPU.
    A trial is short, and a busy CPU may be free in it by chance: where the steps with more threads are slower than
    those before, it takes the former number back.
    """

    def __init__(self, device: torch.device) -> None:
        self._on_cpu = device.type == "cpu"
        self._seconds, self._cpu_seconds, self._steps = 0.0, 0.0, 0
        self._shortest, self._share = math.inf, 1.0
        self._chosen = -math.inf
        self._fewer: tuple[int, float] | None = None
        """If the last trial has chosen more threads, the former number of threads, and the seconds of a step then."""

    def watch(self, batches: Iterable[T]) -> Iterator[T]:
        """Yield the batches of an epoch; a step ends when the next batch is requested."""
        started, cpu_started = time.monotonic(), time.process_time()
        for batch in batches:
            yield batch
            self._seconds += time.monotonic() - started
            self._cpu_seconds += time.process_time() - cpu_started
            self._steps += 1
            if self._seconds >= WINDOW_SECONDS and self._on_cpu:
                self._look()
            started, cpu_started = time.monotonic(), time.process_time()

    def _look(self) -> None:
        """Choose the number of threads again if the last steps are a reason to."""
        seconds = self._seconds / self._steps
        share = self._cpu_seconds / (MOST * self._seconds)
        threads = torch.get_num_threads()
        few, crowded = threads < MOST, share < CROWDED * self._share
        due = time.monotonic() - self._chosen >= LOOK_AGAIN_SECONDS
        fewer, self._fewer = self._fewer, None
        if fewer and seconds > fewer[1]:
            torch.set_num_threads(fewer[0])
            say(f"computing on {fewer[0]} of {MOST} threads again: steps took {seconds / fewer[1]:.1f} times as long")
        elif ((few or crowded) and due) or seconds > FAR_LONGER * self._shortest:
            choose_threads()
            self._shortest, self._chosen = math.inf, time.monotonic()
            if torch.get_num_threads() > threads:
                self._fewer = threads, seconds
            if not few:
                self._share = share  # if all are still the fastest, this is usual: an idle CPU with many cores
        else:
            self._shortest, self._share = min(self._shortest, seconds), max(self._share, share)
        self._seconds, self._cpu_seconds, self._steps = 0.0, 0.0, 0
