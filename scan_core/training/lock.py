"""A lock for one process at a time, which tells whether others wait."""

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
            lock.seek(0)
            say(f"waiting: process {lock.read() or 'unknown'} is at the same training; kill it to take over")
            fcntl.flock(lock, fcntl.LOCK_EX)
        fcntl.flock(queue, fcntl.LOCK_UN)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield partial(_shared, queue)


def _shared(queue: IO[str]) -> bool:
    """Return whether another process has a lock on ``queue``; if not, take it, until the file is closed."""
    try:
        fcntl.flock(queue, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
