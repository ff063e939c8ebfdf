"""Time functions in turn."""

import statistics
import time
from collections.abc import Callable, Mapping

import torch


def synchronize() -> None:
    """Wait until the GPU has finished its work."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def seconds(function: Callable[[], object]) -> float:
    """Return the wall-clock seconds of one call, including the GPU's work."""
    synchronize()
    start = time.perf_counter()
    function()
    synchronize()
    return time.perf_counter() - start


def time_apart(training: object, name: str, apart: list[float]) -> None:
    """Make each call of the method ``name`` add its seconds to ``apart``."""
    method = getattr(training, name)

    def timed() -> object:
        results: list[object] = []
        apart.append(seconds(lambda: results.append(method())))
        return results[0]

    setattr(training, name, timed)


def alternate(functions: Mapping[str, Callable[[], object]], *, repetitions: int) -> dict[str, list[float]]:
    """Call all ``functions`` in turn, ``repetitions`` times after a warm-up; return the seconds of each call."""
    for function in functions.values():
        function()
    rounds = [{name: seconds(function) for name, function in functions.items()} for _ in range(repetitions)]
    return {name: [taken[name] for taken in rounds] for name in functions}


def median_ratio(numerators: list[float], denominators: list[float]) -> float:
    """Return the median of the ratios of measurements made side by side."""
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))
