"""Seconds of things done in turn."""

import statistics
import time
from collections.abc import Callable, Mapping

import torch


def synchronize() -> None:
    """Wait for what a GPU was given to do."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def seconds(function: Callable[[], object]) -> float:
    """Wall-clock seconds of one call, a GPU's work included."""
    synchronize()
    start = time.perf_counter()
    function()
    synchronize()
    return time.perf_counter() - start


def alternate(functions: Mapping[str, Callable[[], object]], *, repetitions: int) -> dict[str, list[float]]:
    """Call all ``functions`` in turn, ``repetitions`` times after a first round that warms up; the seconds of each."""
    for function in functions.values():
        function()
    rounds = [{name: seconds(function) for name, function in functions.items()} for _ in range(repetitions)]
    return {name: [taken[name] for taken in rounds] for name in functions}


def median_ratio(numerators: list[float], denominators: list[float]) -> float:
    """The median of the ratios of what was measured side by side."""
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))
