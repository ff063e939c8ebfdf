"""Show a person what a stage does: progress bars on a terminal, plain lines elsewhere."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from scan_core.console.words import duration
from scan_core.errors import visible

T = TypeVar("T")
LINE_SECONDS = 10.0
"""Without a terminal, epochs that are shorter than this share a line, and what is shorter than this has none."""
SILENCE_SECONDS = 300.0
"""An epoch that is longer than this reports its progress."""
Report = Callable[[int, Mapping[str, float]], None]


def say(message: str) -> None:
    """Print one line of progress; only rank 0 prints."""
    if _speaks():
        _write(sys.stderr, message)


def tell(message: str) -> None:
    """Print a stage's results; only rank 0 prints."""
    if _speaks():
        _write(sys.stdout, message)


def _write(stream: Any, message: str) -> None:
    """Write whole lines to ``stream``; a closed pipe (``| head``) or a missing stream is no error.

    A name in them may hold anything: characters that are not printable are written as escapes.
    """
    if stream is None:
        return
    try:
        stream.write(f"{visible(message)}\n")  # print would write the newline separately, after an interruption perhaps
        stream.flush()
    except OSError:
        with suppress(OSError, ValueError):  # else Python fails when it flushes the stream at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def warn(message: str) -> None:
    """Print one line of warning."""
    say(f"warning: {message}")


def track(items: Iterable[T], *, description: str, total: int, unit: str = "") -> Iterator[T]:
    """Yield ``items``, and show how many of ``total`` are done; without a terminal, only where it takes long.

    Args:
        total: 0 where it is not known.
        unit: what an item is, in the plural.
    """
    if not _on_terminal():
        yield from _told(items, description, total=total, unit=unit and f" {unit}")
        return
    with _bar() as progress:
        yield from progress.track(items, total=total, description=description)


def _told(items: Iterable[T], description: str, *, total: int, unit: str, silence: float = LINE_SECONDS) -> Iterator[T]:
    """Yield ``items``, and print how many are done after ``silence`` seconds, and then ever more rarely."""
    started, due = time.monotonic(), silence
    for done, item in enumerate(items):
        passed = time.monotonic() - started
        if done and passed >= due:
            left = duration(passed / done * (total - done))
            say(f"{description}: {done:,}" + (f" of {total:,}{unit}, {left} left" if total else unit))
            due = min(1.5 * passed, passed + SILENCE_SECONDS)
        yield item


def steps(batches: Iterable[T], *, total: int) -> Iterator[T]:
    """Yield the batches of an epoch; if it takes long, print its progress now and then."""
    return _told(batches, "this epoch", total=total, unit=" steps", silence=SILENCE_SECONDS)


@contextmanager
def epoch_progress(
    description: str, *, done: int, total: int, costs: Sequence[float] | None = None
) -> Iterator[Report]:
    """Yield a function to call with each finished epoch (from 1) and its metrics.

    Args:
        costs: the relative time of each of ``total`` epochs; None means equal ones.

    Without a terminal, an epoch is printed if the last line is at least ``LINE_SECONDS`` old, and the last epoch
    always.
    """
    started = said = time.monotonic()
    costs = costs or [1.0] * total
    untold = ""
    with _bar() as progress:
        task = progress.add_task(description, completed=done, total=total)

        def report(epoch: int, metrics: Mapping[str, float]) -> None:
            nonlocal said, untold
            now = time.monotonic()
            left = (now - started) / sum(costs[done:epoch]) * sum(costs[epoch:])
            remaining = f"{duration(left)} left" if epoch < total else ""
            numbers = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
            progress.update(task, completed=epoch)
            if progress.live.is_started and _on_terminal():
                progress.console.print(f"[dim]epoch {epoch}: {numbers}")
                return
            untold = ", ".join(filter(None, (f"{description}: epoch {epoch}/{total}", numbers, remaining)))
            if now - said >= LINE_SECONDS:
                say(untold)
                said, untold = now, ""

        try:
            yield report
        finally:
            if untold:
                say(untold)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not _on_terminal(),
    )


def _on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty() and _speaks()


def _speaks() -> bool:
    return "TORCHELASTIC_RUN_ID" not in os.environ or os.environ["RANK"] == "0"  # set by torchrun
