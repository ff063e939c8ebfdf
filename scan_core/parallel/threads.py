"""Work on several threads, in order and with bounded read-ahead."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], *, chunk: int, workers: int, ahead: int = 0
) -> Iterator[Result]:
    """Yield ``function`` of each item, in order, from threads that run at most a few chunks of items ahead.

    Args:
        ahead: the number of chunks, but at least ``2 * workers``.
    """
    iterator = iter(items)
    ahead = max(ahead, 2 * workers)
    pending: deque[Future[list[Result]]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        while True:
            while len(pending) < ahead and (batch := list(islice(iterator, chunk))):
                pending.append(pool.submit(lambda batch: [function(item) for item in batch], batch))
            if not pending:
                return
            yield from pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
