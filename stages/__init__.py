"""The stages of the pipeline. Importing their libraries takes seconds, in which Ctrl-C must be safe, too."""

import os
import signal
import sys

PARENT = os.getppid()
"""Who started this process, known before the seconds that imports take."""

LAUNCHED = os.environ.get("TORCHELASTIC_RUN_ID") == str(PARENT)
"""Whether this is one of several processes that a stage has started (stages/launch.py), and that end with it."""


def _leave(*_: object) -> None:
    os.write(2, b"interrupted\n")
    os._exit(130)  # an exception inside a library's import may be lost there


if LAUNCHED:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the stage that started it has something to say
elif sys.argv[:1] == ["-m"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _leave)  # until stages.cli.run takes over
