"""How processes that a stage has started begin and end: one message, and none is left."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import MagicMock

import psutil
import pytest

from scan_core.training.resume import Resume
from stages import pretext_train
from tests.parallel.two_devices import SMALL_STEPS, TWO
from tests.pipeline import environment, heed_ctrl_c, start_stage, wait_for_an_epoch, write_params

LONG = [*SMALL_STEPS, "pretext.epochs=300"]
KILLED = r"error: process [01] of 2 ended by SIGKILL, and so the others were ended; run the same command to go on.*"


def after_first_epoch(folder: Path, stage: str) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """A training that has saved an epoch, and its two processes."""
    process = start_stage(folder, stage)
    wait_for_an_epoch(folder, stage, process)
    return process, psutil.Process(process.pid).children()


def wait_until_ended(workers: list[psutil.Process]) -> None:
    _, running = psutil.wait_procs(workers, timeout=20)
    assert not [worker for worker in running if worker.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.slow
@pytest.mark.parametrize("library", ["_multiarray_umath", "libtorch_cpu"])
def test_new_processes_end_with_a_stage_that_is_killed_while_they_import(library: str, project: Path):
    write_params(project, *LONG, TWO)
    process = start_stage(project, "pretext_train")
    limit = time.monotonic() + 60
    while len(workers := psutil.Process(process.pid).children()) < 2 or not all(
        library in Path(f"/proc/{worker.pid}/maps").read_text() for worker in workers
    ):
        assert time.monotonic() < limit
    process.kill()
    wait_until_ended(workers)
    assert process.communicate(timeout=20)[1].splitlines() == ["stages.pretext_train: 2 processes"]


@pytest.mark.slow
def test_a_stage_that_ignores_the_terminals_end_goes_on(project: Path):
    write_params(project, *LONG, TWO)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    process, workers = after_first_epoch(project, "pretext_train")
    signal.signal(signal.SIGHUP, before)
    for one in (process, *workers):
        one.send_signal(signal.SIGHUP)
    time.sleep(1)
    assert process.poll() is None
    assert all(worker.is_running() for worker in workers)
    process.kill()
    process.communicate(timeout=20)
    wait_until_ended(workers)


UNFORESEEN = "1 / 0"
ENDLESS = """
import os, pathlib, time
from stages.cli import run

def main() -> None:
    pathlib.Path(os.environ["RANK"]).touch()
    time.sleep(300)

run(main)
"""
KNOWN = """
from scan_core.errors import DataError
from stages.cli import run

def main() -> None:
    raise DataError("pictures: missing")

run(main)
"""


def start_launcher(folder: Path, module: str) -> subprocess.Popen[str]:
    """Start a stage that launches two processes of the code ``module``."""
    (folder / "started.py").write_text(module)
    program = "from stages.cli import run; from stages.launch import launch; run(lambda: launch('started', count=2))"
    command, inherited = [sys.executable, "-c", program], environment(folder)
    return subprocess.Popen(
        command, cwd=folder, env=inherited, stderr=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c
    )


def lines_of(folder: Path, module: str) -> list[str]:
    """Return the lines that such a stage prints until it fails."""
    process = start_launcher(folder, module)
    lines = process.communicate(timeout=60)[1].splitlines()
    assert process.returncode == 1
    return lines


def endless(folder: Path) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """Start a stage whose two processes do not end; return it and them once both run."""
    process, limit = start_launcher(folder, ENDLESS), time.monotonic() + 60
    while not all((folder / rank).exists() for rank in "01"):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit, "the processes have not started"
        time.sleep(0.005)
    workers = psutil.Process(process.pid).children()
    assert len(workers) == 2
    return process, workers


def test_an_error_in_the_processes_is_one_line(tmp_path: Path):
    assert lines_of(tmp_path, KNOWN) == ["started: 2 processes", "error: pictures: missing"]


def test_an_unforeseen_error_in_a_process_is_shown(tmp_path: Path):
    lines = lines_of(tmp_path, UNFORESEEN)
    assert "ZeroDivisionError: division by zero" in lines
    assert re.match(r"error: process [01] of 2 failed with status 1, and so the others were ended", lines[-1])


def test_a_killed_process_ends_the_stage(tmp_path: Path):
    process, workers = endless(tmp_path)
    workers[1].kill()
    first, last = process.communicate(timeout=60)[1].splitlines()
    assert (process.returncode, first) == (1, "started: 2 processes")
    assert re.fullmatch(KILLED, last)
    wait_until_ended(workers)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_an_interrupted_stage_ends_its_processes(number: int, status: int, tmp_path: Path):
    process, workers = endless(tmp_path)
    process.send_signal(number)
    first, *others = process.communicate(timeout=60)[1].splitlines()
    assert (process.returncode, first) == (status, "started: 2 processes")
    assert [line.split(";")[0] for line in others] == (["interrupted"] if status == 130 else [])
    wait_until_ended(workers)


@pytest.mark.slow
def test_a_training_of_which_a_process_is_killed_goes_on_in_one_process(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    write_params(project, *LONG, TWO)
    process, workers = after_first_epoch(project, "pretext_train")
    assert len(workers) == 2
    start = time.monotonic()
    workers[1].kill()
    _, error = process.communicate(timeout=60)
    assert time.monotonic() - start < 60
    assert process.returncode == 1
    assert re.fullmatch(KILLED, error.splitlines()[-1])
    assert "Traceback" not in error
    wait_until_ended(workers)

    write_params(project, *LONG)
    monkeypatch.setattr(Resume, "save", MagicMock(side_effect=KeyboardInterrupt))  # after an epoch more
    with pytest.raises(KeyboardInterrupt):
        pretext_train.main(Path("params.yaml"))
    assert "going on after epoch " in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_an_interrupted_training_ends_its_processes(number: int, status: int, project: Path):
    write_params(project, *LONG, TWO)
    process, workers = after_first_epoch(project, "pretext_train")
    process.send_signal(number)
    _, error = process.communicate(timeout=20)
    assert process.returncode == status
    # SIGTERM says nothing; what the stage said last is its epoch, or, if that was not yet said, how it began.
    said = "interrupted; run the same command" if status == 130 else r"(stages\.)?pretext[_-]train: "
    assert re.match(said, error.splitlines()[-1])
    assert "Traceback" not in error
    wait_until_ended(workers)


@pytest.mark.slow
def test_processes_end_with_a_stage_that_is_killed(project: Path):
    write_params(project, *LONG, TWO)
    process, workers = after_first_epoch(project, "pretext_train")
    process.kill()
    assert "ended" not in process.communicate(timeout=20)[1]
    wait_until_ended(workers)
