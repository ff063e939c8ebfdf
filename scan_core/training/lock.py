"""A lock for one process at a time, which tells whether others wait."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from scan_core.console.progress import say


@contextmanager
def exclusive(path: Path) -> Iterator[Callable[[], bool]]:
    """Hold the lock file ``path``; wait if another process holds it (a killed DVC leaves its child running).

    Yields a function that tells whether other processes wait. Once it has said no, none can start to wait.

    The files stay: a waiting process must not hold a removed one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as lock, path.with_suffix(".waiting").open("a") as queue:
        fcntl.flock(queue, fcntl.LOCK_SH)  # all waiting processes share it
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting: process {_holder(lock)} is at the same training; kill it to take over")
            fcntl.flock(lock, fcntl.LOCK_EX)
        fcntl.flock(queue, fcntl.LOCK_UN)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield partial(_shared, queue)


def _holder(lock: IO[str]) -> str:
    """Return the number of the process that has ``lock``, which it writes right after it has taken it."""
    for _ in range(100):
        lock.seek(0)
        if number := lock.read():
            return number
        time.sleep(0.01)
    return "unknown"


def _shared(queue: IO[str]) -> bool:
    """Return whether another process has a lock on ``queue``; if not, take it, until the file is closed."""
    try:
        fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
