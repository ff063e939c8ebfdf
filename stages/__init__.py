"""The stages of the pipeline. Importing their libraries takes seconds, in which Ctrl-C must be safe, too."""

import logging
import os
import signal
import sys

PARENT = os.getppid()
"""Who started this process, known before the seconds that imports take."""

STARTED = sys.argv[:1] == ["-m"]
"""Whether Python was started with this package's module, not by another program that imports it."""


def launched() -> bool:
    """Whether this is one of several processes that a stage has started (stages/launch.py), and that end with it."""
    return os.environ.get("TORCHELASTIC_RUN_ID") == str(PARENT)


def _leave(*_: object) -> None:
    os.write(2, b"interrupted\n")
    os._exit(130)  # an exception inside a library's import may be lost there


os.environ["MPLBACKEND"] = "agg"
"""Matplotlib draws into files alone. A notebook names a backend of its own here, which need not be installed."""

os.environ.setdefault("TORCHDYNAMO_SUPPRESS_ERRORS", "1")
"""Where compiling fails, for want of a C compiler for instance, torch logs it and calls the network as it is."""

if STARTED and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until stages.cli.run takes over; of several processes, the stage that started them has something to say.
    signal.signal(signal.SIGINT, signal.SIG_DFL if launched() else _leave)

if STARTED and not sys.warnoptions:
    # Warnings of libraries are for whoever develops this, who sees them with python -W default.
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").propagate = False
