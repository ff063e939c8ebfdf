"""The lines that a stage opens and closes with: what it does and how long that took last time, and what came of it."""

import json
import time
from contextlib import suppress
from pathlib import Path

import torch

from scan_core.artifacts.atomic import write_text
from scan_core.console.progress import say, tell
from scan_core.console.words import counted, duration
from scan_core.errors import ArtifactError
from scan_core.images.images import Images
from scan_core.parallel.distributed import processes, rank
from scan_core.training.precision import computes_in_bfloat16
from stages.paths import main_root

LONG = 10.0
"""Seconds of the last time that are worth a word."""
KEPT = 50
"""Times that are remembered."""


class Opening:
    """Says what ``stage`` does now; ``work`` is all that its time depends on, as far as a line can say it."""

    def __init__(self, stage: str, work: str) -> None:
        self._stage, self._work, self._started = stage, work, time.monotonic()
        last = _last_times().get(f"{stage}: {work}", 0.0)
        say(f"{stage}: {work}" + (f"; it took {duration(last)} last time" if last >= LONG else ""))

    def close(self, found: str, *, whole: bool = True) -> None:
        """Say what came of it.

        Args:
            whole: whether all the work was done now; the time of a part is not remembered.
        """
        tell(f"{self._stage}: {found}")
        if whole and rank() == 0:
            line, seconds = f"{self._stage}: {self._work}", time.monotonic() - self._started
            times = {work: before for work, before in _last_times().items() if work != line} | {line: seconds}
            with suppress(ArtifactError):  # nothing is lost but a word
                write_text(_file(), json.dumps(dict([*times.items()][-KEPT:]), indent=2) + "\n")


def on(device: torch.device, precision: str | None = None) -> str:
    """``on the CPU (2 threads, float32)``: where a stage computes, and in which numbers.

    Args:
        precision: that is asked for; a device that lacks it takes float32.
    """
    numbers = [precision if precision != "bfloat16" or computes_in_bfloat16(device) else "float32"] if precision else []
    if device.type == "cuda":  # pragma: gpu
        several = [counted(processes(), "process", "processes")] if processes() > 1 else []
        return f"on {torch.cuda.get_device_name(device)}" + _brackets([*several, *numbers])
    if device.type != "cpu":
        return f"on {device.type}" + _brackets(numbers)
    threads = counted(torch.get_num_threads(), "thread")
    return "on the CPU" + _brackets([f"{processes()} x {threads}" if processes() > 1 else threads, *numbers])


def in_pixels(images: Images) -> str:
    """``28 x 28 pixels``."""
    return f"{images.size} x {images.size} pixels"


def _brackets(words: list[str]) -> str:
    return f" ({', '.join(words)})" if words else ""


def _file() -> Path:
    return main_root() / ".resume" / "last_times.json"


def _last_times() -> dict[str, float]:
    """Seconds of the last run of each kind of work on this machine; empty where nothing can be read."""
    try:
        found = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    times = found.items() if isinstance(found, dict) else ()
    return {work: seconds for work, seconds in times if isinstance(seconds, float)}
