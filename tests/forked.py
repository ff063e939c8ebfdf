"""Stages in processes forked from one that has imported everything, so that killing many of them takes little time."""

import importlib
import multiprocessing
import os
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from unittest.mock import patch

from tests.pipeline import ROOT, STAGES

PRELOADED = [*(module.__name__ for module in STAGES), "torch._dynamo"]
"""The last one is imported by torch's optimizers when the first of them is made."""
_CONTEXT = multiprocessing.get_context("forkserver")


def fork_stage(folder: Path, stage: str) -> ForkServerProcess:
    """Start the stage of the module ``stages.<stage>`` in ``folder``, silently and on one thread."""
    process = _CONTEXT.Process(target=_run, args=(folder, stage))
    process.start()
    return process


def import_all() -> None:
    """Start the process to fork from, and return when it has imported everything, so that no stage waits for it."""
    _CONTEXT.set_forkserver_preload(PRELOADED)
    process = _CONTEXT.Process(target=os.getpid)
    with patch.dict(os.environ, PYTHONPATH=str(ROOT)):
        process.start()
    process.join()
    assert process.exitcode == 0


def _run(folder: Path, stage: str) -> None:
    import torch

    torch.set_num_threads(1)
    os.chdir(folder)
    os.environ.pop("DVC_ROOT", None)
    os.environ["OMP_NUM_THREADS"] = "1"
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        importlib.import_module(f"stages.{stage}").main(Path("params.yaml"))
