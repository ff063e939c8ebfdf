"""Start and end each stage: typer's options, one-line errors, a non-zero exit status for every failure."""

import errno
import functools
import inspect
import io
import json
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from scan_core.errors import ScanError, one_line, visible
from stages import PARENT, launched
from stages.keys import keys_named
from stages.paths import main_root

DEBUG = "SCAN_DEBUG"
"""Set by ``--debug``, for the processes that a stage starts, too; ``SCAN_DEBUG=1 dvc repro`` sets it for all stages."""
PARENT_SECONDS = 0.1
LAUNCHER_SECONDS = 2


def run(main: Callable[..., None]) -> None:
    """Run a stage's ``main`` from the command line."""

    @functools.wraps(main)
    def guarded(*arguments: object, debug: bool, **options: object) -> None:
        os.environ[DEBUG] = "1" if debug else ""
        with one_line_errors(), keys_named():
            main(*arguments, **options)

    guarded.__signature__ = _with_debug(inspect.signature(main, eval_str=True))  # type: ignore[attr-defined]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # of a name, what the locale cannot say
    warnings.filterwarnings("ignore", module="PIL")  # they name no file; fetch reports what it cannot decode
    if not launched() and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "DVC_ROOT" in os.environ or launched():
        threading.Thread(target=_end_with_parent, daemon=True).start()
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(guarded)
    app()


def _with_debug(signature: inspect.Signature) -> inspect.Signature:
    option = typer.Option("--debug", envvar=DEBUG, help="Show the traceback of an error.")
    debug = inspect.Parameter(
        "debug", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[bool, option]
    )
    return signature.replace(parameters=[*signature.parameters.values(), debug])


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the process at an error, with one line and exit status 1, and at Ctrl-C with 130.

    With ``--debug``, the traceback comes first; without it, that of an unexpected error is kept in a file.
    """
    try:
        yield
    except KeyboardInterrupt:
        _end("interrupted; run the same command to go on, a training after its last saved epoch", status=130)
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:
        message, debug = _known(error), bool(os.environ.get(DEBUG))
        if message is None:
            _let_launcher_end_this()
            message = _unexpected(error, debug=debug)
        if debug:
            traceback.print_exc()
        _end(f"error: {message}", status=1)


def _known(error: Exception) -> str | None:
    """Return the message for an error that can be expected; None for another one."""
    if isinstance(error, ScanError):
        return str(error)
    if _out_of_memory(error):
        return (
            f"out of memory ({_first_line(error)}); lower batch_size in this stage's section of params.yaml, "
            "encoder.resnet.width, data.image_size, or whatever else is large: scan.clusters, scan.heads"
        )
    if isinstance(error, OSError):
        where = error.filename or "standard output or a file under reports/"
        return f"{where}: {error.strerror or error}; free space or make it accessible"
    return None


def _unexpected(error: Exception, *, debug: bool) -> str:
    """Return a message with the error's name, and keep the traceback: to see the error again may take hours."""
    path, found = main_root() / ".resume" / "traceback.txt", "--debug shows more"
    if not debug:
        try:
            path.parent.mkdir(exist_ok=True)
            path.write_text("".join(traceback.format_exception(error)), encoding="utf-8", errors="backslashreplace")
            found = f"the traceback is in {path}"
        except OSError:
            traceback.print_exc()
    return f"{type(error).__name__}: {_first_line(error)}; this looks like a fault of the program: {found}"


def _first_line(error: Exception) -> str:
    return one_line(str(error).partition("\n")[0])


def _end_with_parent() -> None:
    """End this process, as a kill would, once the process that started it has ended.

    Otherwise a later run of DVC could find two processes that write the same files.
    """
    while os.getppid() == PARENT:
        time.sleep(PARENT_SECONDS)
    if not launched():
        os.write(2, b"DVC has ended, and so does this stage; run the same command to go on\n")
    os._exit(1)


def _let_launcher_end_this() -> None:
    """Wait for torchrun, which ends this process where the end of another one has caused the error."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        time.sleep(LAUNCHER_SECONDS)


def _end(message: str, *, status: int) -> NoReturn:
    """Print the message and exit; a launcher that started this process gets the message, and prints it once."""
    if path := os.environ.get("TORCHELASTIC_ERROR_FILE"):
        temporary = Path(f"{path}.tmp")  # the launcher may end this process at any time, and reads what is there
        temporary.write_text(json.dumps({"message": message}), encoding="utf-8")
        temporary.replace(path)
    if not launched():
        with suppress(OSError):
            print(visible(message), file=sys.stderr, flush=True)
    sys.exit(status)


def _out_of_memory(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    words = ("out of memory", "can't allocate memory", "not enough memory")
    told = isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    return told or isinstance(error, MemoryError)
