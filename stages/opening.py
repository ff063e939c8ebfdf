"""Print a stage's first and last line: what it does, how long that took last time, and the result."""

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
"""A last time of fewer seconds is not mentioned."""
KEPT = 50
"""Number of times that are remembered."""


class Opening:
    """Say what ``stage`` does now; ``work`` names what its time depends on, as far as one line can."""

    def __init__(self, stage: str, work: str) -> None:
        self._stage, self._work, self._started = stage, work, time.monotonic()
        last = _last_times().get(f"{stage}: {work}", 0.0)
        say(f"{stage}: {work}" + (f"; it took {duration(last)} last time" if last >= LONG else ""))

    def close(self, found: str, *, whole: bool = True) -> None:
        """Say what the stage has found.

        Args:
            whole: whether all the work was done now: only then is its time remembered.
        """
        tell(f"{self._stage}: {found}")
        if whole and rank() == 0:
            line, seconds = f"{self._stage}: {self._work}", time.monotonic() - self._started
            times = {work: before for work, before in _last_times().items() if work != line} | {line: seconds}
            with suppress(ArtifactError):  # nothing is lost but a word
                write_text(_file(), json.dumps(dict([*times.items()][-KEPT:]), indent=2) + "\n")


def on(device: torch.device, precision: str | None = None) -> str:
    """Return where a stage computes and in which precision: ``on the CPU (2 threads, float32)``.

    Args:
        precision: the one asked for; a device without it takes float32.
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
    """Return ``28 x 28 pixels``."""
    return f"{images.size} x {images.size} pixels"


def _brackets(words: list[str]) -> str:
    return f" ({', '.join(words)})" if words else ""


def _file() -> Path:
    return main_root() / ".resume" / "last_times.json"


def _last_times() -> dict[str, float]:
    """Return the seconds of each kind of work's last run on this machine; empty where nothing can be read."""
    try:
        found = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    times = found.items() if isinstance(found, dict) else ()
    return {work: seconds for work, seconds in times if isinstance(seconds, float)}
