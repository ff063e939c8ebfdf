"""The stages of the pipeline. Ctrl-C must be safe also in the seconds that importing their libraries takes."""

import logging
import os
import signal
import sys

PARENT = os.getppid()
"""The process that started this one, noted before the seconds that imports take."""

STARTED = sys.argv[:1] == ["-m"]
"""Whether Python was started with this package's module, not by another program that imports it."""


def launched() -> bool:
    """Say whether this is one of the processes that a stage has started (stages/launch.py) and that end with it."""
    return os.environ.get("TORCHELASTIC_RUN_ID") == str(PARENT)


def _leave(*_: object) -> None:
    os.write(2, b"interrupted\n")
    os._exit(130)  # an exception inside a library's import may be lost there


os.environ["MPLBACKEND"] = "agg"
"""Let Matplotlib draw into files alone. A notebook names its own backend here, which need not be installed."""

os.environ.setdefault("TORCHDYNAMO_SUPPRESS_ERRORS", "1")
"""Where compiling fails, without a C compiler for instance, torch says so and runs the network uncompiled."""

if STARTED and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until stages.cli.run takes over; of several processes, the stage that started them has something to say.
    signal.signal(signal.SIGINT, signal.SIG_DFL if launched() else _leave)

if STARTED and not sys.warnoptions:
    # Warnings of libraries are for whoever develops this, who sees them with python -W default.
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").propagate = False
