"""Start a stage as several processes on this machine, by torchrun's launcher, and end with one message."""

import logging
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from scan_core.console.progress import say
from scan_core.errors import ScanError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class ProcessError(ScanError):
    """One of several processes has failed, so that all have ended."""


def launch(module: str, *arguments: str, count: int) -> None:
    """Run ``python -m module`` with ``arguments`` as ``count`` processes of one group, and wait for them.

    Raises:
        ProcessError: one has failed; the others were ended. What a known error said is the message.
        KeyboardInterrupt: Ctrl-C, after they were ended.
    """
    say(f"{module}: {count} processes")
    with tempfile.TemporaryDirectory() as folder, _nothing_left_behind():
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=count,
            run_id=str(os.getpid()),
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            local_addr="localhost",
            max_restarts=0,
            monitor_interval=0.1,
            signals_to_handle=",".join(number.name for number in SIGNALS if not _ignored(number)),
            logs_specs=DefaultLogsSpecs(log_dir=folder),
        )
        try:
            elastic_launch(config, sys.executable)("-m", module, *arguments)
        except ChildFailedError as error:
            raise ProcessError(_reason(error.failures, count)) from None
        except SignalException as error:
            caught = error.sigval
        else:
            return
    if caught == signal.SIGINT:
        raise KeyboardInterrupt
    signal.signal(caught, signal.SIG_DFL)
    signal.raise_signal(caught)


def _ignored(number: signal.Signals) -> bool:
    """Say whether ``number`` is ignored, as under nohup."""
    return signal.getsignal(number) is signal.SIG_IGN


def _reason(failures: dict[int, ProcessFailure], count: int) -> str:
    """Return a process's last message; without one, how a process ended that the launcher did not end (SIGTERM)."""
    for failure in failures.values():
        if Path(failure.error_file).is_file():
            return failure.message.removeprefix("error: ")
    rank, failure = min(failures.items(), key=lambda item: (item[1].exitcode == -signal.SIGTERM, item[0]))
    how = f"ended by {failure.signal_name()}" if failure.exitcode < 0 else f"failed with status {failure.exitcode}"
    return (
        f"process {rank} of {count} {how}, and so the others were ended; run the same command to go on, a training "
        "after its last saved epoch"
    )


@contextmanager
def _nothing_left_behind() -> Iterator[None]:
    """Silence the launcher's own log, and restore the signal handlers, which it replaces."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        for number, handler in before.items():
            signal.signal(number, handler)
