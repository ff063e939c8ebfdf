"""The stages of the pipeline. Importing their libraries takes seconds, in which Ctrl-C must be safe, too."""

import os
import signal
import sys

PARENT = os.getppid()
"""Who started this process, known before the seconds that imports take."""


def _leave(*_: object) -> None:
    os.write(2, b"interrupted\n")
    os._exit(130)  # an exception inside a library's import may be lost there


if sys.argv[:1] == ["-m"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _leave)  # until stages.cli.run takes over
