"""Stages in processes forked from one that has imported everything, so that killing many of them takes little time."""

import importlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from unittest.mock import patch

from tests.pipeline import ROOT, STAGES

Hook = Callable[[], object]
PRELOADED = [*(module.__name__ for module in STAGES), "torch._dynamo"]
"""The last one is imported by torch's optimizers when the first of them is made."""
_CONTEXT = multiprocessing.get_context("forkserver")


def fork_stage(
    folder: Path,
    stage: str,
    *,
    said: Path = Path(os.devnull),
    before_save: Hook | None = None,
    after_save: Hook | None = None,
) -> ForkServerProcess:
    """Start the stage of the module ``stages.<stage>`` in ``folder``, on one thread.

    Args:
        said: the file that gets what the stage prints; nothing by default.
        before_save: called in the process each time its training is about to save an epoch, which it may skip.
        after_save: called in the process each time after that.
    """
    _import_all()
    process = _CONTEXT.Process(target=_run, args=(folder, stage, said, before_save, after_save))
    process.start()
    return process


def status_of(process: ForkServerProcess) -> int | None:
    """Wait until the process has ended, two minutes at most, and return its exit status; None if it was still going."""
    process.join(120)
    status = process.exitcode
    process.kill()
    return status


def end_itself() -> None:
    """End the process that calls this, as ``kill -9`` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def wait_until(path: Path, text: str) -> None:
    """Wait until the file at ``path`` contains ``text``."""
    limit = time.monotonic() + 60
    while text not in path.read_text():
        assert time.monotonic() < limit, f"{path} has no {text!r}"
        time.sleep(0.005)


@cache
def _import_all() -> None:
    """Start the process to fork from, and return when it has imported everything, so that no stage waits for it."""
    _CONTEXT.set_forkserver_preload(PRELOADED)
    process = _CONTEXT.Process(target=os.getpid)
    with patch.dict(os.environ, PYTHONPATH=str(ROOT)):
        process.start()
    process.join()
    assert process.exitcode == 0


def _run(folder: Path, stage: str, said: Path, before_save: Hook | None, after_save: Hook | None) -> None:
    import torch

    from scan_core.training.resume import Resume

    def save(*arguments: object, **options: object) -> None:
        if before_save:
            before_save()
        save_epoch(*arguments, **options)
        if after_save:
            after_save()

    save_epoch = Resume.save
    torch.set_num_threads(1)
    os.chdir(folder)
    os.environ.pop("DVC_ROOT", None)
    os.environ["OMP_NUM_THREADS"] = "1"
    with (
        said.open("w", buffering=1) as file,
        redirect_stdout(file),
        redirect_stderr(file),
        patch.object(Resume, "save", save),
    ):
        importlib.import_module(f"stages.{stage}").main(Path("params.yaml"))
