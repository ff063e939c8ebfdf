"""Trainings in one process against several that share the same processors or GPUs' machine: the stages as they are.

``python -m benchmarks.processes`` or ``python -m benchmarks.processes cifar10 --devices 8``
"""

import itertools
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from benchmarks.record import record
from stages.params_file import load_params
from stages.paths import PARAMS

ROOT = Path(__file__).resolve().parents[1]
BEFORE = {"pretext_train": ["fetch"], "scan_train": ["embed", "mine_neighbors"], "self_label": []}
"""The trainings in order, and what runs once before each."""


class Run(NamedTuple):
    """Seconds of one run of a stage."""

    epoch: float
    """The median; of several trainings, the mean of theirs."""
    rest: float
    """Starting and ending, with the first epoch's warm-up."""


def main(
    preset: Annotated[str, typer.Argument(help="A file of presets/, without its ending.")] = "digits",
    overrides: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Parameters to set.")] = None,
    devices: Annotated[int, typer.Option(help="Processes to compare with one.")] = 2,
    epochs: Annotated[int, typer.Option(min=2, help="Of each training, the first of which is not counted.")] = 12,
    repetitions: Annotated[int, typer.Option(help="Runs of each kind, in turn.")] = 3,
) -> None:
    """Print the medians of the seconds of an epoch and of the rest of a stage, and of the ratio of the speeds.

    Of a run's epochs it is the median, too: a pause of the machine is none of the training's.

    The last row is of the epochs of all trainings, as many as the preset has of each.
    """
    lengths = [f"{section}.epochs={epochs}" for section in ("pretext", "scan", "self_label")]
    settings = [preset, *lengths, f"self_label.patience={epochs}", *(overrides or [])]
    with tempfile.TemporaryDirectory() as folder:
        rows, ones, severals = [], [], []
        _use(Path(folder), [preset, *(overrides or [])], devices=1)
        config = load_params(Path(folder, PARAMS))
        usual = [config.pretext.epochs, config.scan.epochs, config.self_label.epochs]
        for stage, before in BEFORE.items():
            _use(Path(folder), settings, devices=1)
            for name in before:
                _seconds_of_epochs(Path(folder), name)
            runs: dict[int, list[Run]] = {1: [], devices: []}
            for _ in range(repetitions):
                for count, done in runs.items():
                    _use(Path(folder), settings, devices=count)
                    done.append(_run(Path(folder), stage))
            rows.append(_compare(stage, runs[1], runs[devices], devices))
            ones.append(runs[1])
            severals.append(runs[devices])
        rows.append(_compare(f"{usual} epochs", _together(ones, usual), _together(severals, usual), devices))
    record("processes", rows)


def _compare(stage: str, one: list[Run], several: list[Run], devices: int) -> dict[str, str | int | float]:
    return {
        "stage": stage,
        "devices": devices,
        "s per epoch, one": statistics.median(run.epoch for run in one),
        "s per epoch, several": statistics.median(run.epoch for run in several),
        "speed, several / one": statistics.median(a.epoch / b.epoch for a, b in zip(one, several, strict=True)),
        "s of the rest, one": statistics.median(run.rest for run in one),
        "s of the rest, several": statistics.median(run.rest for run in several),
    }


def _together(runs: list[list[Run]], epochs: list[int]) -> list[Run]:
    """Of each repetition, the mean epoch of all trainings, and the rest of all of them."""
    return [
        Run(
            sum(n * run.epoch for n, run in zip(epochs, each, strict=True)) / sum(epochs), sum(run.rest for run in each)
        )
        for each in zip(*runs, strict=True)
    ]


def _run(folder: Path, stage: str) -> Run:
    start = time.perf_counter()
    said = _seconds_of_epochs(folder, stage)
    epoch = statistics.median(after - before for before, after in itertools.pairwise(said))
    return Run(epoch, time.perf_counter() - start - (said[-1] - said[0]))


def _seconds_of_epochs(folder: Path, stage: str) -> list[float]:
    """Run ``stage``; returns when it said that an epoch was finished."""
    command = [sys.executable, "-m", f"stages.{stage}"]
    process = subprocess.Popen(command, cwd=folder, env=_environment(), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    lines = [(line, time.perf_counter()) for line in process.stderr]
    if process.wait():
        raise RuntimeError(f"{stage}: " + "".join(line for line, _ in lines))
    return [at for line, at in lines if re.match(rf"{stage}: epoch \d+/", line)]


def _use(folder: Path, settings: list[str], *, devices: int) -> None:
    command = [sys.executable, "-m", "stages.use", *settings, f"runtime.devices={devices}"]
    subprocess.run(command, cwd=folder, env=_environment(), check=True)


def _environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


if __name__ == "__main__":
    typer.run(main)
