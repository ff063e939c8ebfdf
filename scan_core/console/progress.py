"""What a person sees while a stage runs: bars with the time left on a terminal, plain lines elsewhere."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

T = TypeVar("T")
LINE_SECONDS = 10
"""Where there is no terminal, epochs that are shorter share a line."""
SILENCE_SECONDS = 300
"""Where an epoch is longer, it says how far it is."""
Report = Callable[[int, Mapping[str, float]], None]


def say(message: str) -> None:
    """Print one line for the person, apart from a stage's results; of several processes one speaks."""
    if _speaks():
        _write(sys.stderr, message)


def tell(message: str) -> None:
    """Print a stage's results; of several processes one speaks."""
    if _speaks():
        _write(sys.stdout, message)


def _write(stream: Any, message: str) -> None:
    """Write whole lines to ``stream``; a reader who has left (``| head``), or was never there, ends no run."""
    if stream is None:
        return
    try:
        stream.write(f"{message}\n")  # with its end, which print writes by itself: an interruption may come between
        stream.flush()
    except OSError:
        with suppress(OSError, ValueError):  # or Python would fail at its end, when it writes what is left
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def warn(message: str) -> None:
    """Print one line about something that probably needs a change."""
    say(f"warning: {message}")


def track(items: Iterable[T], *, description: str, total: int) -> Iterator[T]:
    """Yield ``items`` while showing how many of ``total`` are done."""
    if not _on_terminal():
        say(f"{description}: {total}")
        yield from items
        return
    with _bar() as progress:
        yield from progress.track(items, total=total, description=description)


def steps(batches: Iterable[T], *, total: int) -> Iterator[T]:
    """Yield the batches of an epoch; where it takes long, say now and then how far it is."""
    started = said = time.monotonic()
    for done, batch in enumerate(batches):
        now = time.monotonic()
        if done and now - said > SILENCE_SECONDS:
            say(f"step {done}/{total} of this epoch, {(now - started) / done * (total - done):.0f} s left in it")
            said = now
        yield batch


@contextmanager
def epoch_progress(
    description: str, *, done: int, total: int, costs: Sequence[float] | None = None
) -> Iterator[Report]:
    """Yield a function that is told each finished epoch (1-based) and its metrics.

    Args:
        costs: what the time of each of ``total`` epochs goes with; None takes them for equally long.

    Where there is no terminal, an epoch is told if the line before it is at least ``LINE_SECONDS`` old, and the last
    one in any case.
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
            numbers = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
            progress.update(task, completed=epoch)
            if progress.live.is_started and _on_terminal():
                progress.console.print(f"[dim]epoch {epoch}: {numbers}")
                return
            untold = f"{description}: epoch {epoch}/{total}, {numbers}, {left:.0f} s left"
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
    return "TORCHELASTIC_RUN_ID" not in os.environ or os.environ["RANK"] == "0"  # of torchrun's processes
