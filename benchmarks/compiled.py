"""Measure whether ``torch.compile`` makes the trainings faster, and what reproducible convolutions cost on a GPU.

``python -m benchmarks.compiled``

Runs the trainings of ``benchmarks.step``. ``compiled`` fuses the network's operations; ``any convolutions`` lets cuDNN
also choose algorithms that do not give the same bytes twice. Compiling needs a C compiler.
"""

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import torch
import typer

from benchmarks import step
from benchmarks.record import record
from benchmarks.timing import alternate, median_ratio, seconds


def main(
    batch_size: Annotated[int | None, typer.Option(help="Images per step, by default 64 (CPU) or 512 (GPU).")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps per epoch; by default 2 on a CPU, 40 on a GPU.")] = None,
    repetitions: Annotated[int, typer.Option(help="Epochs of each way, in turn.")] = 3,
    width: Annotated[int, typer.Option(help="Channels of our encoder's first stage.")] = 64,
) -> None:
    """Print images/s of each way, the median of the ratios to the plain way, and the first epoch, which compiles."""
    on_gpu = torch.cuda.is_available()
    batch_size = batch_size or (512 if on_gpu else 64)
    count = batch_size * (steps or (40 if on_gpu else 2))
    epochs = 2 * repetitions + 3
    plain = step.trainings(count, batch_size, epochs=epochs, width=width)
    compiled = step.trainings(count, batch_size, epochs=epochs, width=width, compile=True)
    rows: list[dict[str, str | float]] = []
    for stage in plain:
        compiling = seconds(compiled[stage].run_epoch)
        ways: dict[str, Callable[[], object]] = {"plain": plain[stage].run_epoch, "compiled": compiled[stage].run_epoch}
        if on_gpu:
            ways["compiled, any convolutions"] = _with_any_convolutions(compiled[stage])
        taken = alternate(ways, repetitions=repetitions)
        for way, times in taken.items():
            speed, ratio = count / statistics.median(times), median_ratio(taken["plain"], times)
            first = compiling if way == "compiled" else "-"
            rows.append({"stage": stage, "way": way, "images/s": speed, "to plain": ratio, "first epoch, s": first})
    record("compiled", rows)


def _with_any_convolutions(training: step.Training) -> Callable[[], object]:
    def epoch() -> None:
        with _any_convolutions():
            training.run_epoch()

    return epoch


@contextmanager
def _any_convolutions() -> Iterator[None]:
    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = False
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = before


if __name__ == "__main__":
    typer.run(main)
