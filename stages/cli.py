"""How each stage starts and ends: typer's options, one-line errors, a non-zero exit status for every failure."""

import errno
import functools
import io
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import typer

from scan_core.errors import ScanError
from stages import PARENT, launched

PARENT_SECONDS = 0.1
LAUNCHER_SECONDS = 2


def run(main: Callable[..., None]) -> None:
    """Run a stage's ``main`` from the command line."""

    @functools.wraps(main)
    def guarded(*arguments: object, **options: object) -> None:
        with one_line_errors():
            main(*arguments, **options)

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # of a name, what the locale cannot say
    if not launched() and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "DVC_ROOT" in os.environ or launched():
        threading.Thread(target=_end_with_parent, daemon=True).start()
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(guarded)
    app()


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the process at a known error, with one line and exit status 1, and at Ctrl-C with 130."""
    try:
        yield
    except ScanError as error:
        _end(f"error: {error}", status=1)
    except (MemoryError, OSError, RuntimeError) as error:
        if _out_of_memory(error):
            first_line = str(error).partition("\n")[0]
            _end(
                f"error: out of memory ({first_line}); lower batch_size in this stage's section of params.yaml, "
                "encoder.resnet.width, data.image_size, or whatever else is large: scan.clusters, scan.heads",
                status=1,
            )
        if isinstance(error, OSError):
            where = error.filename or "standard output or a file under reports/"
            _end(f"error: {where}: {error.strerror or error}; free space or make it accessible", status=1)
        _let_launcher_end_this()
        raise
    except KeyboardInterrupt:
        _end("interrupted; run the same command to go on, a training after its last saved epoch", status=130)


def _end_with_parent() -> None:
    """End this process, as a kill would, once the one has gone that started it.

    A later run of DVC must not find two at the same files.
    """
    while os.getppid() == PARENT:
        time.sleep(PARENT_SECONDS)
    if not launched():
        os.write(2, b"DVC has ended, and so does this stage; run the same command to go on\n")
    os._exit(1)


def _let_launcher_end_this() -> None:
    """Where another process's end is the reason for an error, torchrun ends this one before it can say so."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        time.sleep(LAUNCHER_SECONDS)


def _end(message: str, *, status: int) -> NoReturn:
    """Say why, once: where a launcher started this process, it says so."""
    if path := os.environ.get("TORCHELASTIC_ERROR_FILE"):
        temporary = Path(f"{path}.tmp")  # the launcher may end this process at any time, and reads what is there
        temporary.write_text(json.dumps({"message": message}), encoding="utf-8")
        temporary.replace(path)
    if not launched():
        with suppress(OSError):
            print(message, file=sys.stderr, flush=True)
    sys.exit(status)


def _out_of_memory(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)
