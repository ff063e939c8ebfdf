"""One process at a time, which knows whether others wait."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from scan_core.console.progress import say


@contextmanager
def exclusive(path: Path) -> Iterator[Callable[[], bool]]:
    """Hold the lock file ``path``; wait where another process holds it (a killed DVC leaves its child running).

    Yield a function that tells whether other processes wait. Where none does, none begins to before this one is done.

    The files stay: whoever waits must not be left with one that has been removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as lock, path.with_suffix(".waiting").open("a") as queue:
        fcntl.flock(queue, fcntl.LOCK_SH)  # all that wait share it
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            say(f"waiting: process {lock.read() or 'unknown'} is at the same training; kill it to take over")
            fcntl.flock(lock, fcntl.LOCK_EX)
        fcntl.flock(queue, fcntl.LOCK_UN)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield partial(_shared, queue)


def _shared(queue: IO[str]) -> bool:
    """Whether another process has a lock on ``queue``; if not, take it, until the file is closed."""
    try:
        fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
